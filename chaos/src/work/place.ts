import type { EtcdClient } from "@quorumkit/core";
import { isEtcdError } from "@quorumkit/core";
import { setTimeout as sleep } from "node:timers/promises";
import type { Pending } from "@quorumkit/testing/history";
import type { Journal } from "../log/journal.ts";
import type { Counts, Report } from "../messages.ts";
import type { Kind } from "../names.ts";
import type { Random } from "../random.ts";
import type { Claims } from "./claims.ts";

/** What every sort of work of one worker process has in common. */
export interface Place {
  /** The worker's name; its processes, one after the other, have the same. */
  readonly name: string;
  /** Counts the worker's processes, from 1. */
  readonly life: number;
  readonly index: number;
  readonly etcd: EtcdClient;
  readonly random: Random;
  readonly journal: Journal;
  readonly claims: Claims;
  readonly tally: Tally;
  /** Aborted when no more shall be written. */
  readonly resting: AbortSignal;
  /** Aborted when all shall end. */
  readonly stopping: AbortSignal;
  readonly report: (report: Report) => void;
}

/** What was done, by kind. */
export class Tally {
  readonly #counts = new Map<Kind, number>();

  add(kind: Kind): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
  }

  get counts(): Counts {
    return Object.fromEntries(this.#counts);
  }
}

/** Waits, or less when the signal aborts. */
export async function rest(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {});
}

/** Does it again and again until the signal aborts; after an error of etcd's it waits a moment, any other one is an alarm. */
export async function repeat(place: Place, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    try {
      await work();
    } catch (error) {
      alarmUnlessEtcd(place, error);
      await rest(place.random.between(50, 250), signal);
    }
  }
}

/** Every failure that etcd or the way to it can cause is an EtcdError; whatever else comes out is a fault of its own. */
export function alarmUnlessEtcd(place: Place, error: unknown): void {
  if (isEtcdError(error)) return;
  place.journal.note("alarm", {
    value: error instanceof Error ? (error.stack ?? error.message) : String(error),
  });
}

/** Runs a write, and records what is known of it in the end. */
export async function recorded<T>(
  place: Place,
  pending: Pending,
  write: Promise<T>,
  told: (result: T) => unknown,
): Promise<T> {
  let result: T;
  try {
    result = await write;
  } catch (error) {
    const { code, outcome } = isEtcdError(error) ? error : { code: "not an EtcdError", outcome: undefined };
    if (outcome === "notApplied") pending.fail({ code });
    else {
      pending.unknown({ code });
      place.tally.add("write of unknown outcome");
    }
    throw error;
  }
  pending.ok(told(result));
  return result;
}
