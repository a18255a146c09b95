import { ConfigCenter } from "@quorumkit/config";
import { EtcdClient } from "@quorumkit/core";
import { z } from "zod";

const etcd = new EtcdClient({ endpoints: "http://127.0.0.1:2379" });
const center = await ConfigCenter.open(etcd, {
  prefix: "config",
  layers: ["global", "env/prod", "service/orders"], // lowest precedence first
  documents: {
    database: z.object({ host: z.string().default("localhost"), poolSize: z.number().max(100).default(10) }),
  },
});

console.log(center.get("database").poolSize); // a number, at once: typed, validated, frozen

center.on("change", ({ document, paths, previous, current, revision }) => {
  console.log(`${document} is other at ${paths.join(", ")} since ${revision}:`, previous, current);
});
center.on("rejected", ({ document, issues }) => {
  console.error(`${document} keeps its last good value:`, issues);
});

const { revision } = await center.publish("database", { poolSize: 20 }, { layer: "env/prod" });
await center.publish("database", { poolSize: 30 }, { layer: "env/prod", ifRevision: revision });

await center.close();
await etcd.close();
