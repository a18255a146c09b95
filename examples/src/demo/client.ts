// A client of the orders service, a process of its own: it finds the instances in etcd and calls them, all the time.
import { setTimeout as sleep } from "node:timers/promises";
import { EtcdClient } from "@quorumkit/core";
import { ServiceRegistry } from "@quorumkit/discovery";
import { report, type Request } from "./messages.ts";

const etcd = new EtcdClient({ endpoints: process.argv.slice(2) });
const registry = new ServiceRegistry(etcd);
const orders = registry.resolve("orders");

const tellInstances = (): void => {
  const up = orders.instances.filter(({ status }) => status === "up");
  report({ is: "instances", names: up.map(({ id }) => id).sort() });
};
orders.on("change", tellInstances);
orders.on("state", (state) => report({ is: "resolver", state }));

let traffic = { calls: 0, failedCalls: 0, failedTries: 0, byInstance: {} as Record<string, number> };

/** One call, with a second and third try, each on the instance whose turn it is then. */
async function call(): Promise<void> {
  traffic.calls += 1;
  for (let tries = 0; tries < 3; tries += 1) {
    try {
      const pick = orders.pick();
      try {
        const response = await fetch(`http://${pick.address}/`, { signal: AbortSignal.timeout(1_000) });
        const { by } = (await response.json()) as { by: string };
        traffic.byInstance[by] = (traffic.byInstance[by] ?? 0) + 1;
        pick.done();
        return;
      } catch (error) {
        pick.done(error);
        throw error;
      }
    } catch {
      traffic.failedTries += 1;
    }
  }
  traffic.failedCalls += 1;
}

const stopping = new AbortController();
process.on("message", ({ please }: Request) => {
  if (please === "count calls") {
    report({ is: "traffic", traffic });
    traffic = { calls: 0, failedCalls: 0, failedTries: 0, byInstance: {} };
  }
  if (please === "stop") stopping.abort();
});
process.on("disconnect", () => process.exit());

await orders.ready();
report({ is: "ready", address: "client" });
while (!stopping.signal.aborted) {
  await call();
  await sleep(10);
}
await registry.close();
await etcd.close();
report({ is: "left" });
process.disconnect();
