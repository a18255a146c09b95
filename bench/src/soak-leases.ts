// Many sessions on one client for a long time: `pnpm soak:leases --leases 10000 --minutes 10 --members 1`. Fails when one is lost.
import { subscribe } from "node:diagnostics_channel";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { DIAGNOSTICS, EtcdClient, type LeaseMessage, type Session } from "@quorumkit/core";
import { startEtcd, startEtcdCluster } from "@quorumkit/testing";

const { values } = parseArgs({
  options: {
    /** How many sessions are open at the same time. */
    leases: { type: "string", default: "10000" },
    minutes: { type: "string", default: "10" },
    /** 1, or how many members the cluster is to have. */
    members: { type: "string", default: "1" },
    /** TTLs are chosen at random between the two, in seconds. */
    "min-ttl": { type: "string", default: "10" },
    "max-ttl": { type: "string", default: "30" },
  },
});

function count(name: keyof typeof values, min: number): number {
  const value = Number(values[name]);
  if (!(value >= min)) throw new TypeError(`--${name} must be at least ${min}, received ${values[name]}`);
  return value;
}

const leases = count("leases", 1);
const minutes = count("minutes", 0.1);
const members = count("members", 1);
const [minTtl, maxTtl] = [count("min-ttl", 2), count("max-ttl", 2)];

let renewed = 0;
/** The least part of its TTL that any lease had left when a renewal was answered. */
let leastSlack = 1;
const lost: string[] = [];
subscribe(DIAGNOSTICS.lease, (message) => {
  const lease = message as LeaseMessage;
  if (lease.event === "renewed") {
    renewed += 1;
    leastSlack = Math.min(leastSlack, lease.slackMs / (lease.ttlSeconds * 1000));
  } else if (lease.event === "ended" && lease.code !== "CLOSED") {
    lost.push(`${lease.leaseId.toString(16)} ${lease.code}`);
  }
});

const heapMiB = (): number => {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / 2 ** 20;
};

await using server = members === 1 ? await startEtcd() : await startEtcdCluster(members);
await using etcd = new EtcdClient({ endpoints: server.endpoints, timeoutMs: 60_000 });
await etcd.get("warm");

const heapBefore = heapMiB();
const openedAt = performance.now();
const sessions: Session[] = await Promise.all(
  Array.from({ length: leases }, async () => {
    const ttlSeconds = minTtl + Math.floor(Math.random() * (maxTtl - minTtl + 1));
    return etcd.openSession({ ttlSeconds });
  }),
);
const openMs = performance.now() - openedAt;
console.log(`${leases} sessions on ${members} member(s) opened in ${(openMs / 1000).toFixed(1)} s`);
console.log(`heap per session ${(((heapMiB() - heapBefore) * 1024) / leases).toFixed(2)} KiB`);

// Opening thousands at once is a load of its own.
console.log(`least left meanwhile ${(leastSlack * 100).toFixed(0)} % of the TTL`);
leastSlack = 1;

const RESOLUTION_MS = 10;
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
delay.enable();
const startedAt = performance.now();
const renewedBefore = renewed;
const cpuBefore = process.cpuUsage();
/** The histogram counts its own interval as delay. */
const late = (nanoseconds: number): string => `${(nanoseconds / 1e6 - RESOLUTION_MS).toFixed(1)} ms`;
const seconds = (): number => (performance.now() - startedAt) / 1000;
const cpuPart = (): number => {
  const { user, system } = process.cpuUsage(cpuBefore);
  return (user + system) / 1e6 / seconds();
};
function report(): void {
  const { rss, heapUsed } = process.memoryUsage();
  console.log(
    [
      `${seconds().toFixed(0).padStart(5)} s`,
      `lost ${lost.length}`,
      `renewals ${((renewed - renewedBefore) / seconds()).toFixed(0)}/s`,
      `least left ${(leastSlack * 100).toFixed(0)} % of the TTL`,
      `CPU ${(cpuPart() * 100).toFixed(1)} %`,
      `RSS ${(rss / 2 ** 20).toFixed(0)} MiB`,
      `heap ${(heapUsed / 2 ** 20).toFixed(0)} MiB`,
      `loop delay p99 ${late(delay.percentile(99))}, max ${late(delay.max)}`,
    ].join("; "),
  );
}
while (seconds() < minutes * 60) {
  await pause(Math.min(30_000, Math.max(1, Math.ceil((minutes * 60 - seconds()) * 1000) + 1)));
  report();
}

const alive = sessions.filter((session) => session.alive).length;
const onServer = new Set(await etcd.leases.list());
const kept = sessions.filter(({ leaseId }) => onServer.has(leaseId)).length;
console.log(`after ${minutes} min: ${alive} of ${leases} alive, ${kept} known to the server`);
console.log(
  `heap after a collection ${heapMiB().toFixed(0)} MiB, ${heapBefore.toFixed(0)} before the first session`,
);
const closedAt = performance.now();
await etcd.close();
console.log(`closed in ${((performance.now() - closedAt) / 1000).toFixed(1)} s`);
if (lost.length > 0 || alive < leases || kept < leases) {
  console.error(`lost: ${lost.slice(0, 20).join(", ")}`);
  process.exitCode = 1;
}
