import { subscribe } from "node:diagnostics_channel";
import { type CallMessage, DIAGNOSTICS, EtcdClient, isEtcdError } from "@quorumkit/core";
import type { LeaseMessage, RetryMessage } from "@quorumkit/core";

// Log lines: one for each message, to whatever logger you have.
subscribe(DIAGNOSTICS.retry, (message) => {
  const { rpc, endpoint, attempt, code, reason } = message as RetryMessage;
  console.warn(`${rpc} to ${endpoint} failed, attempt ${attempt}: ${code} ${reason}`);
});
subscribe(DIAGNOSTICS.lease, (message) => {
  const { event } = message as LeaseMessage;
  console.log(`a lease was ${event}`);
});

// Metrics: how often each call was made, how it ended, and how long it took with all its repetitions.
const begun = new WeakMap<CallMessage, number>();
const calls = new Map<string, { count: number; ms: number }>();
const traced = `tracing:${DIAGNOSTICS.call}`;
subscribe(`${traced}:start`, (message) => void begun.set(message as CallMessage, performance.now()));
subscribe(`${traced}:asyncEnd`, (message) => {
  const call = message as CallMessage;
  const end = `${call.rpc} ${isEtcdError(call.error) ? call.error.code : "OK"}`;
  const { count, ms } = calls.get(end) ?? { count: 0, ms: 0 };
  calls.set(end, { count: count + 1, ms: ms + performance.now() - (begun.get(call) ?? 0) });
});

const etcd = new EtcdClient({ endpoints: ["http://127.0.0.1:2379"] });
etcd.connection.on("change", ({ state }) => console.log(`connection ${state}`));
const session = await etcd.openSession();
await etcd.put("online/me", "here", { lease: session });
await session.close();
await etcd.put("online/me", "here", { lease: session }).catch(() => {});
await etcd.close();
for (const [end, { count, ms }] of calls) console.log(end, count, ms < 5_000);
