// The main job, on real processes: an etcd, three instances of a service with one elected worker among them, and a client.
import { setTimeout as sleep } from "node:timers/promises";
import { ConfigCenter } from "@quorumkit/config";
import { EtcdClient } from "@quorumkit/core";
import { Fleet } from "./fleet.ts";
import type { Traffic } from "./messages.ts";
import { CONFIG, ELECTION, TTL_SECONDS } from "./names.ts";
import { type EtcdKind, etcdKindOf, startDemoEtcd } from "./server.ts";
import { seconds, Timeline } from "./timeline.ts";

let kind: EtcdKind;
try {
  kind = etcdKindOf(process.argv.slice(2));
} catch (error) {
  console.error((error as Error).message);
  console.error("usage: npm run demo [-- --etcd embedded|real]");
  process.exit(2);
}
const timeline = new Timeline();
const fleet = new Fleet(timeline);
const within = (ms: number | undefined): string => (ms === undefined ? "never" : `after ${seconds(ms)}`);
const describe = ({ calls, failedTries, failedCalls, byInstance }: Traffic): string => {
  const shares = Object.entries(byInstance)
    .map(([name, count]) => `${name} ${count}`)
    .sort();
  return `${calls} calls (${shares.join(", ")}); ${failedTries} tries failed, ${failedCalls} calls failed`;
};

timeline.chapter("An etcd, three instances of the orders service, and a client");
const server = await startDemoEtcd(kind);
timeline.say("etcd", `${server.description}, at ${server.endpoints.join()}`);
// Whatever happens, the demo ends.
setTimeout(() => {
  console.error("the demo did not end within 60 seconds");
  fleet.killAll();
  process.exit(1);
}, 60_000).unref();
for (const name of ["orders-a", "orders-b", "orders-c"])
  fleet.start(name, "orders", [name, ...server.endpoints]);
await fleet.until(() => fleet.ready.size === 3);
fleet.start("client", "client", server.endpoints);
const found = await fleet.until(() => fleet.instances.length === 3 && fleet.leaders.length === 1);
await sleep(1_000);
const calm = await fleet.countCalls();
timeline.say("client", describe(calm));
timeline.finding(
  "the client finds and calls all three",
  found !== undefined && Object.keys(calm.byInstance).length === 3,
);
timeline.finding("one of the three is the elected worker", fleet.leaders.length === 1);

timeline.chapter(`The leader is killed (SIGKILL; the lease's TTL is ${TTL_SECONDS} s)`);
const [killed = "nobody"] = fleet.leaders;
await fleet.kill(killed);
timeline.say(killed, "was killed");
const takeover = await fleet.until(() => fleet.leaders.length === 1);
timeline.finding(`${fleet.leaders[0] ?? "nobody"} took over, ${within(takeover)}`, takeover !== undefined);
const dropped = await fleet.until(() => !fleet.instances.includes(killed));
const afterKill = await fleet.countCalls();
timeline.say("client", describe(afterKill));
timeline.finding(`the client no longer calls ${killed}`, dropped !== undefined);
timeline.finding("no call failed: each found another instance", afterKill.failedCalls === 0);

timeline.chapter("A config value changes");
const etcd = new EtcdClient({ endpoints: server.endpoints });
const center = await ConfigCenter.open(etcd, CONFIG);
const published = performance.now();
await center.publish("orders", { limit: 250 }, { layer: "global" });
const survivors = ["orders-a", "orders-b", "orders-c"].filter((name) => name !== killed);
const changed = await fleet.until(() => survivors.every((name) => fleet.limitOf(name) === 250));
const tookMs = changed === undefined ? undefined : performance.now() - published;
timeline.finding(`both instances run with the new value, ${within(tookMs)}`, changed !== undefined);
await center.close();

timeline.chapter("An instance is drained and leaves");
const drained = survivors.find((name) => name !== fleet.leaders[0]) ?? "nobody";
const replacement = "orders-d";
fleet.start(replacement, "orders", [replacement, ...server.endpoints]);
await fleet.until(() => fleet.instances.includes(replacement));
await fleet.countCalls();
fleet.member(drained).ask("drain");
const avoided = await fleet.until(() => !fleet.instances.includes(drained));
timeline.say("client", `stopped calling ${drained} ${within(avoided)}`);
await fleet.until(() => fleet.hasLeft(drained));
const afterDrain = await fleet.countCalls();
timeline.say("client", describe(afterDrain));
timeline.finding(
  `${drained} left without one failed try`,
  avoided !== undefined && afterDrain.failedTries === 0,
);

timeline.chapter("etcd stops, and comes back");
const leaderBefore = fleet.leaders[0];
await server.kill();
timeline.say("etcd", "was killed");
const stale = await fleet.until(() => fleet.resolverState === "stale");
await sleep(1_000);
const duringOutage = await fleet.countCalls();
timeline.say("client", describe(duringOutage));
timeline.finding(
  "the client knows that its list is stale, and goes on with it: no call failed",
  stale !== undefined && duringOutage.calls > 0 && duringOutage.failedCalls === 0,
);
await server.restart();
timeline.say("etcd", "is back");
const live = await fleet.until(() => fleet.resolverState === "live" && fleet.leaders.length === 1);
const registered = (await etcd.range({ prefix: "services/orders/" })).kvs;
timeline.finding(`list and leadership are live again, ${within(live)}`, live !== undefined);
timeline.finding(
  `both instances are registered, each on a lease`,
  registered.length === 2 && registered.every((kv) => kv.lease !== 0n),
);
timeline.say(
  "worker",
  leaderBefore === fleet.leaders[0] ? `still ${leaderBefore}` : `now ${fleet.leaders[0]}`,
);

timeline.chapter("Everybody leaves");
await fleet.stop();
const candidates = await etcd.range({ prefix: `${ELECTION}/` });
const services = await etcd.range({ prefix: "services/" });
const leases = await etcd.leases.list();
timeline.finding(
  "nothing is left in etcd: no registration, no candidate",
  services.count + candidates.count === 0n,
);
timeline.finding("there were never two leaders", !fleet.twoLeaders);
timeline.say("etcd", `${leases.length} leases left (the killed leader's was ended by its TTL)`);
await etcd.close();
await server.close();
process.exitCode = timeline.end() ? 0 : 1;
