// Five processes' worth of work on one resource, one at a time, in the order in which they came.
import { setTimeout as sleep } from "node:timers/promises";
import { EtcdClient, op } from "@quorumkit/core";
import { openEtcd } from "./etcd.ts";

await using server = await openEtcd();
let inside = 0;
let most = 0;

async function job(name: string): Promise<void> {
  const etcd = new EtcdClient({ endpoints: server.endpoints });
  // `etcdctl lock jobs/nightly` would stand in the same queue.
  const lock = etcd.lock("jobs/nightly", { ttlSeconds: 5 });
  await lock.using(async (held) => {
    inside += 1;
    most = Math.max(most, inside);
    console.log(`${name} holds the lock, fencing token ${held.fencingToken}`);
    // Applied only while the lock is held; a holder that was paused too long cannot overwrite its successor's work.
    await held.txn().then(op.put("jobs/last", name)).commit();
    await sleep(50, undefined, { signal: held.signal });
    inside -= 1;
  });
  await etcd.close();
}

await Promise.all(["a", "b", "c", "d", "e"].map((name) => job(`job ${name}`)));
console.log(`at most ${most} at a time`);

// Not waiting: the lock now or nothing, and no place in the queue.
const etcd = new EtcdClient({ endpoints: server.endpoints });
const first = await etcd.lock("jobs/nightly").tryAcquire();
const second = await etcd.lock("jobs/nightly").tryAcquire();
console.log(`first try: ${first ? "held" : "taken"}, second try: ${second ? "held" : "taken"}`);
await first?.release();
await etcd.close();
if (most !== 1 || first === undefined || second !== undefined) process.exitCode = 1;
