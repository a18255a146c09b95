// Three workers, one of them at work: each runs the same loop, and etcd lets one in at a time.
import { setTimeout as sleep } from "node:timers/promises";
import { EtcdClient, op } from "@quorumkit/core";
import { Election, type Leadership } from "@quorumkit/election";
import { openEtcd } from "./etcd.ts";

await using server = await openEtcd();
const finished = new AbortController();
let terms = 0;
let [leading, most] = [0, 0];
const tokens: bigint[] = [];

async function report(name: string, leadership: Leadership): Promise<void> {
  terms += 1;
  most = Math.max(most, (leading += 1));
  tokens.push(leadership.fencingToken);
  console.log(`${name} leads, fencing token ${leadership.fencingToken}`);
  // A write that etcd refuses once the leadership is over, however late it arrives.
  await leadership.txn().then(op.put("report/last", name)).commit();
  // Real work hands the signal on to whatever it awaits; it aborts when the leadership is lost.
  await sleep(100, undefined, { signal: leadership.signal });
  leading -= 1;
  if (terms === 3) finished.abort();
  // Returning ends the term, and the next in the queue takes over.
}

async function worker(name: string): Promise<void> {
  const etcd = new EtcdClient({ endpoints: server.endpoints });
  const election = new Election(etcd, "nightly-report", { ttlSeconds: 5 });
  await election.run((leadership) => report(name, leadership), { value: name, signal: finished.signal });
  await election.close();
  await etcd.close();
}

// Anybody can see who leads and who waits, in order.
async function observe(): Promise<void> {
  const etcd = new EtcdClient({ endpoints: server.endpoints });
  const election = new Election(etcd, "nightly-report");
  for await (const { leader, candidates } of election.observe({ signal: finished.signal })) {
    const waiting = candidates.slice(1).map((each) => each.text());
    console.log(`leader: ${leader?.text() ?? "nobody"}; waiting: ${waiting.join(", ") || "nobody"}`);
  }
  await election.close();
  await etcd.close();
}

await Promise.all([observe(), worker("worker-1"), worker("worker-2"), worker("worker-3")]);
console.log(`done after ${terms} terms, at most ${most} leader at a time`);
// Every term's fencing token is greater than those before it.
const rising = tokens.every((token, index) => index === 0 || token > (tokens[index - 1] ?? token));
if (terms !== 3 || most !== 1 || !rising) process.exitCode = 1;
