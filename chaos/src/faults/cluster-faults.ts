import type { FaultProxy } from "@quorumkit/testing";
import { setTimeout as sleep } from "node:timers/promises";
import { type Field, leaderOf, memberOf } from "./field.ts";
import type { ClusterFault, Target } from "./plan.ts";

/** Ends a fault. */
export type Heal = () => Promise<void> | void;

const CALL_MS = 3_000;
const LAST_ANSWERS_MS = 1_200;
const LOSSES = 3;
/** Calls have time left after it, to be sent again if they may. */
const LOSS_MS = 600;

/** Begins a fault of the cluster or of the way to it, and gives what ends it. */
export async function breakCluster(field: Field, fault: ClusterFault, forMs: number): Promise<Heal> {
  const { gateways } = field;
  switch (fault.kind) {
    case "kill":
    case "pause":
      return breakServers(field, [await memberOf(field, fault.member)], fault.kind);
    case "stop all":
    case "pause all":
      return breakServers(field, [0, 1, 2], fault.kind === "stop all" ? "kill" : "pause");
    case "cut from clients":
    case "cut from peers":
    case "isolate":
    case "delay peers":
      return cutMember(field, fault);
    case "reset":
      return onClients(field, fault.member, (proxy) => proxy.reset());
    case "lose answers":
      return loseAnswers(field, fault.member);
    case "half-open":
      return onClients(field, fault.member, (proxy) => proxy.halfOpen(fault.direction));
    case "silence":
      return onClients(field, fault.member, (proxy) => proxy.hold(fault.direction));
    case "delay":
      return onClients(field, fault.member, (proxy) => proxy.delay("both", fault.ms));
    case "bandwidth":
      return onClients(field, fault.member, (proxy) => proxy.limit("both", fault.bytesPerSecond));
    case "cut all clients":
      return cutAll(field);
    case "delay, then cut all":
      return cutLate(field, fault.ms, forMs);
    case "compact":
      await compact(field, fault.revisionsKept);
      return () => {};
    case "compact while cut": {
      const heal = cutAll(field);
      return async () => {
        // Where that fails, the cut at least has been a fault.
        await compact(field, fault.revisionsKept).catch(() => {});
        heal();
      };
    }
    case "move leader": {
      const leader = await leaderOf(gateways);
      const [target] = leader?.followers ?? [];
      if (leader === undefined || target === undefined) throw new Error("there is nobody to lead instead");
      await gateways[leader.index]?.moveLeader(target, CALL_MS);
      return () => {};
    }
  }
}

async function cutMember(
  field: Field,
  fault: ClusterFault & { readonly kind: "cut from clients" | "cut from peers" | "isolate" | "delay peers" },
): Promise<Heal> {
  const { proxied } = field;
  const member = await memberOf(field, fault.member);
  if (fault.kind === "cut from clients") proxied.cutFromClients(member);
  else if (fault.kind === "delay peers") proxied.delayPeers(member, fault.ms);
  else {
    const { how, way } = fault;
    if (fault.kind === "isolate") proxied.isolate(member, { how, way });
    else proxied.cutFromPeers(member, { how, way });
  }
  return () => proxied.heal(member);
}

async function breakServers(
  { proxied, log }: Field,
  indices: readonly number[],
  how: "kill" | "pause",
): Promise<Heal> {
  const servers = indices.flatMap((index) => proxied.members[index]?.server ?? []);
  await Promise.all(servers.map((server) => server[how]()));
  return async () => {
    if (how === "pause") log.wakings.push(Number(process.hrtime.bigint()));
    await Promise.all(servers.map((server) => (how === "kill" ? server.restart() : server.resume())));
  };
}

async function onClients(
  field: Field,
  target: Target | "all",
  act: (proxy: FaultProxy) => void,
): Promise<Heal> {
  const { members } = field.proxied;
  const member = target === "all" ? undefined : members[await memberOf(field, target)];
  const proxies = (member === undefined ? members : [member]).map(({ clients }) => clients);
  for (const proxy of proxies) act(proxy);
  return () => {
    for (const proxy of proxies) proxy.heal();
  };
}

function cutAll({ proxied }: Field): () => void {
  for (const index of proxied.members.keys()) proxied.cutFromClients(index);
  return () => {
    for (const { clients } of proxied.members) clients.heal();
  };
}

/**
 * The last renewals that the servers heard of are answered, late, and none comes after them: a lease that is thought to
 * begin with its answer is believed in after it has ended.
 */
async function cutLate(field: Field, ms: number, forMs: number): Promise<Heal> {
  const { signal } = field;
  await onClients(field, "all", (proxy) => proxy.delay("answers", ms));
  await sleep(forMs / 2, undefined, { signal });
  await onClients(field, "all", (proxy) => proxy.halfOpen("requests"));
  await sleep(LAST_ANSWERS_MS, undefined, { signal });
  return cutAll(field);
}

/** What was asked for is done, and its answer never comes, since the connection ends before. */
async function loseAnswers(field: Field, target: Target | "all"): Promise<Heal> {
  const { signal } = field;
  for (let losses = 0; losses < LOSSES; losses += 1) {
    const heal = await onClients(field, target, (proxy) => proxy.hold("answers"));
    await sleep(LOSS_MS, undefined, { signal });
    await onClients(field, target, (proxy) => proxy.reset());
    await heal();
    await sleep(LOSS_MS, undefined, { signal });
  }
  return () => {};
}

/** Only what the log has may go. */
async function compact({ gateways, log }: Field, revisionsKept: number): Promise<void> {
  const revision = log.until - revisionsKept;
  if (revision < 2) throw new Error("there is nothing to compact yet");
  log.compacted = Math.max(log.compacted, revision);
  await Promise.any(gateways.map((gateway) => gateway.compact(revision, CALL_MS)));
}
