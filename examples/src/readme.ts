import { setTimeout as sleep } from "node:timers/promises";
import { ConfigCenter } from "@quorumkit/config";
import { EtcdClient } from "@quorumkit/core";
import { ServiceRegistry } from "@quorumkit/discovery";
import { Election } from "@quorumkit/election";
import { z } from "zod";

const etcd = new EtcdClient({ endpoints: process.env["ETCD_ENDPOINTS"] ?? "http://127.0.0.1:2379" });
const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());

// Register this process, and find the others. Both come back by themselves after an outage of etcd.
const registry = new ServiceRegistry(etcd);
await registry.register({ name: "orders", address: "10.0.0.7:8080" });
const orders = registry.resolve("orders");
await orders.ready();
console.log(`call ${orders.pick().address}`);

// Typed configuration that changes while the program runs. A bad value never replaces a good one.
const center = await ConfigCenter.open(etcd, {
  layers: ["global", "env/prod"],
  documents: { database: z.object({ host: z.string(), poolSize: z.number().max(100) }).optional() },
});
console.log("pool", center.get("database")?.poolSize);
center.on("change", ({ current, revision }) =>
  console.log("pool", current?.poolSize, "at revision", revision),
);

// One worker in the whole fleet. The signal aborts before another process can take over.
const election = new Election(etcd, "nightly-report");
await election.run(
  async (leadership) => {
    console.log(`leading, fencing token ${leadership.fencingToken}`);
    while (leadership.isLeader) await sleep(1_000, undefined, { signal: leadership.signal });
  },
  { signal: stop.signal },
);

await registry.close();
await center.close();
await etcd.close();
