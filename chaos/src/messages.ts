import type { Kind } from "./names.ts";

/** What the run tells a worker. */
export type Order =
  /** Keep the event loop busy, as a long computation does. */
  | { readonly please: "block"; readonly ms: number }
  /** Write no more; stay registered, a candidate, and watching. */
  | { readonly please: "rest" }
  | { readonly please: "tell"; readonly id: number }
  | { readonly please: "stop" };

/** What a worker tells the run. */
export type Report =
  | { readonly is: "ready" }
  /** It began or ended to hold the lock, or to lead, as it believes itself. */
  | { readonly is: "holding"; readonly what: "lock" | "leader"; readonly yes: boolean }
  | { readonly is: "told"; readonly id: number; readonly standing: Standing }
  | { readonly is: "counts"; readonly counts: Counts }
  | { readonly is: "stopped" };

export type Counts = Partial<Record<Kind, number>>;

/** Where a worker stands: what has to agree once all faults are over. */
export interface Standing {
  readonly registration: string;
  readonly resolver: { readonly state: string; readonly ids: readonly string[] };
  /** The fencing token while it leads by its own claim. */
  readonly leads: string | undefined;
  /** The leader's fencing token, as its observer has it. */
  readonly leader: string | undefined;
  readonly mirror: { readonly state: string; readonly digest: string };
  /** Up to where its watch has delivered. */
  readonly watched: number;
}
