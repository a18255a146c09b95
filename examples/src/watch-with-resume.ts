// A reader of changes that stops, and later goes on where it was: no gap, no repetition.
import { EtcdClient } from "@quorumkit/core";
import { openEtcd } from "./etcd.ts";

await using server = await openEtcd();
const etcd = new EtcdClient({ endpoints: server.endpoints });
const seen: string[] = [];

/** Reads until `count` changes have come in, and returns the revision to go on from. A program would store it. */
async function read(from: bigint, count: number): Promise<bigint> {
  const watcher = etcd.watch({ prefix: "orders/" }, { startRevision: from, prevKv: true });
  watcher.on("state", (state) => console.log(`  the watch is ${state}`));
  let next = from;
  // Broken connections, restarted members and lost leaders are none of this loop's business.
  for await (const batch of watcher) {
    for (const { type, key, kv, prevKv } of batch.events) {
      seen.push(`${type} ${key}`);
      console.log(`  revision ${kv.modRevision}: ${type} ${key} (was ${prevKv?.text() ?? "nothing"})`);
    }
    // A batch never ends in the middle of a revision, so this is a safe place to go on from.
    next = batch.revision + 1n;
    if (seen.length >= count) break;
  }
  return next;
}

const { revision } = await etcd.put("orders/1", "new");
console.log("first reader");
const bookmark = await read(revision, 1);

// Nobody reads now, and things happen.
await etcd.put("orders/1", "paid");
await etcd.put("orders/2", "new");
await etcd.delete("orders/1");

console.log(`second reader, from revision ${bookmark}`);
await read(bookmark, 4);

await etcd.close();
console.log(`${seen.length} changes: ${seen.join(", ")}`);
if (seen.join() !== "put orders/1,put orders/1,put orders/2,delete orders/1") process.exitCode = 1;
