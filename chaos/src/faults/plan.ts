import { TTL_SECONDS } from "../names.ts";
import { Random } from "../random.ts";

type Directions = "requests" | "answers" | "both";

/** A member by its number, or whichever leads at that moment. */
export type Target = 0 | 1 | 2 | "leader";

/** Connections end, or stay and lose what is sent, or keep it back until it heals; the last two also for one way only. */
interface Cut {
  readonly how: "cut" | "halfOpen" | "hold";
  readonly way: "incoming" | "outgoing" | "both";
}

/** What is done to the cluster and to the way to it. */
export type ClusterFault =
  | { readonly kind: "kill" | "pause" | "reset"; readonly member: Target }
  | { readonly kind: "cut from clients"; readonly member: Target }
  | ({ readonly kind: "cut from peers" | "isolate"; readonly member: Target } & Cut)
  | { readonly kind: "delay peers"; readonly member: Target; readonly ms: number }
  | { readonly kind: "half-open"; readonly member: Target; readonly direction: Directions }
  | { readonly kind: "delay"; readonly member: Target | "all"; readonly ms: number }
  | { readonly kind: "bandwidth"; readonly member: Target | "all"; readonly bytesPerSecond: number }
  | { readonly kind: "silence"; readonly member: Target | "all"; readonly direction: Directions }
  | { readonly kind: "compact" | "compact while cut"; readonly revisionsKept: number }
  | { readonly kind: "move leader" | "stop all" | "pause all" | "cut all clients" }
  | { readonly kind: "delay, then cut all"; readonly ms: number }
  | { readonly kind: "lose answers"; readonly member: Target | "all" };

/** What is done to a worker: whichever holds a lock, or leads, at that moment, or one by its number. */
export interface WorkerFault {
  readonly kind: "pause worker" | "block worker" | "kill worker";
  readonly worker: Victim;
}
type Victim = "lock holder" | "leader" | number;

export type Fault = ClusterFault | WorkerFault;

export function isWorkerFault(fault: Fault): fault is WorkerFault {
  return "worker" in fault;
}

export interface Step {
  /** From the beginning of the run. A step that finds the one before it still being healed comes later. */
  readonly atMs: number;
  readonly forMs: number;
  readonly fault: Fault;
}

/** Two rows of faults that go on at the same time; in each of them one is healed before the next one comes. */
export interface Plan {
  readonly cluster: readonly Step[];
  readonly workers: readonly Step[];
}

const TTL_MS = TTL_SECONDS * 1_000;
/** Progress needs some time without faults: for an election of etcd's, a reconnection, an expiry. */
const HEAL_MS = { min: 2_500, max: 5_000 } as const;
const START_MS = 2_000;

/** All of it follows from the seed, and nothing from what happens. */
export function planOf(seed: string, minutes: number, workers: number): Plan {
  const random = new Random(`${seed}/plan`);
  const forMs = minutes * 60_000;
  return {
    cluster: row(random.fork("cluster"), forMs, clusterDeck),
    workers: row(random.fork("workers"), forMs, (each) => workerDeck(each, workers)),
  };
}

/** Deals shuffled decks, one after the other, so that every sort of fault has its turn before any comes again. */
function row(
  random: Random,
  untilMs: number,
  deck: (random: Random) => readonly { readonly fault: Fault; readonly forMs: number }[],
): readonly Step[] {
  const steps: Step[] = [];
  let atMs = START_MS;
  for (;;) {
    for (const { fault, forMs } of random.shuffled(deck(random))) {
      if (atMs + forMs > untilMs) return steps;
      steps.push({ atMs, forMs, fault });
      atMs += forMs + random.between(HEAL_MS.min, HEAL_MS.max);
    }
  }
}

function clusterDeck(random: Random): { fault: ClusterFault; forMs: number }[] {
  const member = (): Target => (random.chance(0.4) ? "leader" : (random.between(0, 2) as Target));
  /** Longer than the margin a client takes, and less than the second after which it gives a silent connection up. */
  const lateByMs = (): number => random.between(700, 950);
  const some = (): Target | "all" => (random.chance(0.5) ? "all" : member());
  const direction = (): Directions => random.pick(["requests", "answers", "both"]);
  const short = (): number => random.between(1_000, 4_000);
  /** Long enough for leases to end, most of the time. */
  const long = (): number => random.between(TTL_MS - 1_000, TTL_MS + 3_000);
  return [
    { fault: { kind: "kill", member: member() }, forMs: short() },
    { fault: { kind: "kill", member: "leader" }, forMs: short() },
    { fault: { kind: "pause", member: member() }, forMs: long() },
    { fault: { kind: "cut from clients", member: member() }, forMs: short() },
    { fault: { kind: "cut from peers", member: "leader", ...cutOf(random) }, forMs: long() },
    { fault: { kind: "isolate", member: member(), ...cutOf(random) }, forMs: long() },
    { fault: { kind: "delay peers", member: member(), ms: random.between(50, 400) }, forMs: long() },
    { fault: { kind: "half-open", member: member(), direction: direction() }, forMs: long() },
    { fault: { kind: "silence", member: some(), direction: direction() }, forMs: long() },
    { fault: { kind: "reset", member: member() }, forMs: 500 },
    { fault: { kind: "lose answers", member: some() }, forMs: 4_000 },
    { fault: { kind: "delay", member: some(), ms: random.between(50, 800) }, forMs: long() },
    {
      fault: { kind: "bandwidth", member: some(), bytesPerSecond: random.between(4_000, 40_000) },
      forMs: long(),
    },
    { fault: { kind: "move leader" }, forMs: 500 },
    { fault: { kind: "compact", revisionsKept: random.between(0, 200) }, forMs: 500 },
    { fault: { kind: "compact while cut", revisionsKept: 0 }, forMs: short() },
    { fault: { kind: "cut all clients" }, forMs: long() },
    { fault: { kind: "delay, then cut all", ms: lateByMs() }, forMs: 2 * TTL_MS + 4_000 },
    { fault: { kind: "pause all" }, forMs: long() },
    { fault: { kind: "stop all" }, forMs: short() },
  ];
}

function cutOf(random: Random): Cut {
  if (random.chance(0.5)) return { how: "cut", way: "both" };
  const way = random.pick(["incoming", "outgoing", "both"] as const);
  return { how: random.pick(["halfOpen", "hold"] as const), way };
}

function workerDeck(random: Random, workers: number): { fault: WorkerFault; forMs: number }[] {
  const anyone = (): number => random.between(0, workers - 1);
  const beyond = (): number => TTL_MS + random.between(500, 3_000);
  return [
    { fault: { kind: "pause worker", worker: "lock holder" }, forMs: beyond() },
    { fault: { kind: "pause worker", worker: "leader" }, forMs: beyond() },
    { fault: { kind: "pause worker", worker: anyone() }, forMs: random.between(300, 2_000) },
    { fault: { kind: "block worker", worker: "lock holder" }, forMs: beyond() },
    { fault: { kind: "block worker", worker: "leader" }, forMs: beyond() },
    { fault: { kind: "kill worker", worker: random.pick(["lock holder", "leader"] as const) }, forMs: 500 },
    { fault: { kind: "kill worker", worker: anyone() }, forMs: random.between(500, TTL_MS) },
  ];
}

/** One line for people. */
export function describeFault(fault: Fault): string {
  switch (fault.kind) {
    case "half-open":
    case "silence":
      return `${fault.kind} member ${fault.member}, ${fault.direction}`;
    case "cut from peers":
    case "isolate":
      return `${fault.kind} member ${fault.member}, ${fault.how} ${fault.way}`;
    case "delay peers":
      return `delay peers of member ${fault.member} by ${fault.ms} ms`;
    case "delay":
      return `delay member ${fault.member} by ${fault.ms} ms`;
    case "bandwidth":
      return `bandwidth of member ${fault.member} ${fault.bytesPerSecond} B/s`;
    case "delay, then cut all":
      return `delay all answers by ${fault.ms} ms, then cut all clients`;
    case "pause worker":
    case "block worker":
    case "kill worker":
      return `${fault.kind} ${typeof fault.worker === "number" ? `w${fault.worker}` : `(${fault.worker})`}`;
    case "kill":
    case "pause":
    case "reset":
    case "lose answers":
    case "cut from clients":
      return `${fault.kind} member ${fault.member}`;
    case "compact":
    case "compact while cut":
      return `${fault.kind}, but ${fault.revisionsKept} revisions`;
    case "move leader":
    case "stop all":
    case "pause all":
    case "cut all clients":
      return fault.kind;
  }
}
