/** Where in the store the workers do what, and how long their leases outlive them. */
export const ROOT = "chaos/";
/** Written all the time, one key or several at once: what watches and mirrors follow. */
export const DATA = "chaos/data/";
/** Registers: each key lives for one {@link EPOCH_MS}, so that no history of one grows without end. */
export const REGISTERS = "chaos/register/";
/** What only the holder of a lock, or the leader of an election, may write: one key per name. */
export const GUARDED = "chaos/guarded/";
export const LOCKS = ["chaos/lock/own", "chaos/lock/shared"] as const;
/** Held in terms by `run()`. */
export const RUN_ELECTION = "chaos/election/run";
/** Won by `campaign()`, and resigned. */
export const CAMPAIGN_ELECTION = "chaos/election/campaign";
export const SESSIONS = "chaos/session/";
export const REGISTRY = "chaos/services";
export const SERVICE = "orders";
/** The last write of a run: who has seen it has seen everything. */
export const END_KEY = `${DATA}end`;

export const TTL_SECONDS = 3;
export const EPOCH_MS = 4_000;
/** How long a worker waits for the answer to one call. */
export const CALL_MS = 1_500;

/** What workers do, as it is counted; a run in which one of these never succeeded has shown nothing of it. */
export const KINDS = [
  "register.read",
  "register.write",
  "register.cas",
  "data.put",
  "data.delete",
  "data.putAll",
  "data.putWithTtl",
  "lock.acquired",
  "lock.released",
  "leader.term",
  "leader.elected",
  "leader.resigned",
  "guarded.write",
  "session.opened",
  "registration.registered",
  "registration.updated",
  "watch.batch",
  "mirror.look",
  "resolver.look",
  "election.view",
] as const;

/** What happens to workers by the faults; counted to show that it did. */
export const HAPPENINGS = [
  "lock.lost",
  "leader.lost",
  "session.lost",
  "late write refused",
  "write of unknown outcome",
  "watch interrupted",
  "watch compacted",
  "mirror stale",
] as const;
export type Kind = (typeof KINDS)[number] | (typeof HAPPENINGS)[number];
