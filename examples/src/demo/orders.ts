// One instance of the orders service, a process of its own: it serves, registers, and stands for the worker's election.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { ConfigCenter } from "@quorumkit/config";
import { EtcdClient, op } from "@quorumkit/core";
import { ServiceRegistry } from "@quorumkit/discovery";
import { Election, type Leadership } from "@quorumkit/election";
import { CONFIG, ELECTION, TTL_SECONDS } from "./names.ts";
import { report, type Request } from "./messages.ts";

const [name = "", ...endpoints] = process.argv.slice(2);
const etcd = new EtcdClient({ endpoints });
const stopping = new AbortController();

const center = await ConfigCenter.open(etcd, CONFIG);
const tellConfig = (): void => {
  report({ is: "config", limit: center.get("orders").limit, revision: String(center.snapshot().revision) });
};
center.on("change", tellConfig);

const server = createServer((_request, response) => {
  response.end(JSON.stringify({ by: name, limit: center.get("orders").limit }));
});
await once(server.listen(0, "127.0.0.1"), "listening");
const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;

const registry = new ServiceRegistry(etcd, { ttlSeconds: TTL_SECONDS });
const registration = await registry.register({ name: "orders", id: name, address });
registration.on("state", (state) => report({ is: "registration", state }));

/** The worker that must run once: it counts in etcd, by writes that only the leader's term allows. */
async function count(leadership: Leadership): Promise<void> {
  report({ is: "elected", token: String(leadership.fencingToken) });
  leadership.signal.addEventListener("abort", () => {
    report({ is: "leadership over", why: (leadership.signal.reason as Error).message });
  });
  for (let beat = 0; leadership.isLeader; beat += 1) {
    // While etcd is away this fails, and the next beat tries again: it is the leadership's clock that decides.
    await leadership
      .txn()
      .then(op.put("orders/report", `${name} ${beat}`))
      .commit({ timeoutMs: 500 })
      .catch(() => {});
    await sleep(200, undefined, { signal: leadership.signal });
  }
}
const election = new Election(etcd, ELECTION, { ttlSeconds: TTL_SECONDS });
const working = election.run(count, { value: name, signal: stopping.signal });

async function leave(): Promise<void> {
  // Out of the list first; then the work in hand; the server last, when nobody calls it any more.
  await registration.drain({ forMs: 500 });
  stopping.abort();
  await working;
  await election.close();
  await registry.close();
  await center.close();
  await etcd.close();
  server.close();
  server.closeAllConnections();
  report({ is: "left" });
  process.disconnect();
}
process.on("message", ({ please }: Request) => {
  if (please === "drain" || please === "stop") void leave();
});
// The demo is over when the main process is.
process.on("disconnect", () => process.exit());

tellConfig();
report({ is: "ready", address });
