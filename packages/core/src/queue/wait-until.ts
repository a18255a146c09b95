import { isGone, isPassing } from "../errors/passing.ts";
import type { KeyRange } from "../kv/key-range.ts";
import { pause } from "../util/abort.ts";
import { backoffMs } from "../util/backoff.ts";
import { Scope } from "../util/scope.ts";
import type { QueueClient } from "./queue-client.ts";
import type { QueueKey } from "./ticket.ts";
import { onReturn } from "./watch-return.ts";

export interface WaitOptions {
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined;
  /** Ends the wait with `TIMEOUT` after so many milliseconds. @default waits as long as it takes */
  readonly timeoutMs?: number | undefined;
  /** Called with the key right before ours, each time that is another one: who keeps us waiting. */
  readonly onWaiting?: ((predecessor: QueueKey) => void) | undefined;
}

/** What a look at the queue has found: what was waited for, or what to wait for before looking again. */
export type Look<T> =
  | { readonly done: T }
  | {
      /** Who is in the way; absent where it is not a key that is waited for the end of. */
      readonly behind?: QueueKey;
      /** A change in here is the reason to look again. */
      readonly watched: KeyRange;
      /** Which change. @default "delete" */
      readonly event?: "put" | "delete";
      /** The revision looked at. */
      readonly revision: bigint;
    };

export interface WaitParts<T> {
  readonly client: QueueClient;
  /** What is waited for, for the message of an error. */
  readonly what: string;
  /** What ends the wait, beside the caller's own signal. */
  readonly signals: readonly AbortSignal[];
  readonly look: (signal: AbortSignal) => Promise<Look<T>>;
}

/** Looks, and looks again after each change that can matter, until a look finds what is waited for. */
export async function waitUntil<T>(
  { client, what, signals, look }: WaitParts<T>,
  options: WaitOptions,
): Promise<T> {
  const scope = new Scope([...signals, options.signal], { what, timeoutMs: options.timeoutMs });
  const { signal } = scope;
  let announced: bigint | undefined;
  let attempt = 0;
  try {
    while (!signal.aborted) {
      try {
        const seen = await look(signal);
        if ("done" in seen) return seen.done;
        attempt = 0;
        const { behind, watched, event, revision } = seen;
        if (behind !== undefined && announced !== behind.createRevision) {
          announced = behind.createRevision;
          options.onWaiting?.(behind);
        }
        await untilChanged(client, watched, { event, startRevision: revision + 1n, signal });
      } catch (error) {
        // It passes while the session lives, whose end bounds the wait; or another look mends it.
        if (signal.aborted || !(isPassing(error) || isGone(error))) throw error;
        await pause(backoffMs(attempt++, { initialMs: 50, maxMs: 2_000 }), signal);
      }
    }
    throw signal.reason;
  } catch (error) {
    throw scope.reasonFor(error);
  } finally {
    scope.close();
  }
}

/** Waits for one sort of event: for who waits for a deletion, a change of a value (a proclaim) is of no interest. */
async function untilChanged(
  client: QueueClient,
  range: KeyRange,
  wanted: {
    readonly event: "put" | "delete" | undefined;
    readonly startRevision: bigint;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { event, startRevision, signal } = wanted;
  const filters = [event === "put" ? "delete" : "put"] as const;
  const watcher = client.watch(range, { startRevision, signal, filters });
  // It may have happened in a history that this watch will never be told of.
  onReturn(watcher, () => void watcher.close());
  for await (const { events } of watcher) {
    if (events.length > 0) return;
  }
}
