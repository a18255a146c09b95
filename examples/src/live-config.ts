// Typed configuration that changes while the program runs, and refuses what does not fit.
import { ConfigCenter } from "@quorumkit/config";
import { EtcdClient, isEtcdError } from "@quorumkit/core";
import { z } from "zod";
import { openEtcd } from "./etcd.ts";

await using server = await openEtcd();
const etcd = new EtcdClient({ endpoints: server.endpoints });
await etcd.put("config/global/database", JSON.stringify({ host: "db1", poolSize: 10 }));
await etcd.put("config/env/prod/database", JSON.stringify({ poolSize: 20 }));

const center = await ConfigCenter.open(etcd, {
  layers: ["global", "env/prod"], // later layers win
  documents: {
    database: z.object({ host: z.string(), poolSize: z.number().int().max(100) }),
    limits: z.object({ perSecond: z.number().default(50) }),
  },
});

const { host, poolSize } = center.get("database"); // string and number, frozen, no await
console.log(`database ${host}, pool of ${poolSize}; ${center.get("limits").perSecond} per second`);

// A change arrives as an event, with what it was and what it is.
const changed = new Promise<void>((resolve) => {
  center.once("change", ({ document, paths, revision }) => {
    console.log(
      `revision ${revision}: ${document} changed at ${paths.map((path) => path.join(".")).join(", ")}`,
    );
    resolve();
  });
});
await center.publish("database", { poolSize: 30 }, { layer: "env/prod" });
await changed;
console.log(`pool of ${center.get("database").poolSize}`);

// A bad value is refused before it is written …
let refused = false;
try {
  await center.publish("database", { poolSize: 1_000 }, { layer: "env/prod" });
} catch (error) {
  if (!isEtcdError(error, "INVALID_ARGUMENT")) throw error;
  refused = true;
  console.log("refused: a pool of 1000");
}

// … and one that somebody writes past us never replaces a good one.
const rejected = new Promise<void>((resolve) => {
  center.once("rejected", ({ document, issues }) => {
    console.log(`kept the last good ${document}: ${issues.map(({ message }) => message).join("; ")}`);
    resolve();
  });
});
await etcd.put("config/env/prod/database", JSON.stringify({ poolSize: "many" }));
await rejected;
const kept = center.get("database").poolSize;
console.log(`still a pool of ${kept}`);

await center.close();
await etcd.close();
if (poolSize !== 20 || !refused || kept !== 30) process.exitCode = 1;
