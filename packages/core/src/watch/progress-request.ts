import { isEtcdError } from "../errors/etcd-error.ts";
import { headerOf } from "../kv/header.ts";
import type { WireRange } from "../kv/key-range.ts";
import type { Connection } from "../transport/connection.ts";
import * as rpcs from "../transport/rpcs.ts";
import { pause } from "../util/abort.ts";
import { backoffMs } from "../util/backoff.ts";
import type { Subscription } from "./subscription.ts";
import type { HubPlace } from "./watch-hub.ts";

/** A server with a watch that is not in sync on the stream says nothing, so it has to be asked again. */
const REPEAT = { initialMs: 100, maxMs: 1_000 };

/** Servers before 3.4.31 and 3.5.13 never answer for a quiet watch (etcd#17507), nor do proxies. */
const UNANSWERED_MS = 1_000;

export interface ProgressSource {
  readonly connection: Connection;
  readonly place: HubPlace;
  readonly subscription: Subscription;
  readonly range: WireRange;
  /** Filtered events are in a listing all the same, so that a listing cannot tell what is still to come. */
  readonly filtered: boolean;
}

/**
 * Finds out up to where a watch has everything, and that this is as far as the store is now. By the server's word where
 * that holds; else by comparing with what the range looks like. Undefined when `deadline` or a signal comes first.
 */
export async function reachProgress(
  source: ProgressSource,
  {
    deadline,
    signals,
  }: { readonly deadline: number; readonly signals: readonly (AbortSignal | undefined)[] },
): Promise<bigint | undefined> {
  const { connection, place, subscription, range } = source;
  const remainingMs = (): number => deadline - performance.now();
  const [signal] = signals;
  const began = performance.now();
  const head = { key: range.key, countOnly: true };
  const header = headerOf(
    await connection.unary(rpcs.range, head, { signal, timeoutMs: Math.max(1, remainingMs()) }),
  );
  const changed = subscription.store.see(header);
  if (changed !== undefined) throw changed;
  const target = header.revision;
  for (let attempt = 0; ; attempt += 1) {
    if (subscription.nextRevision > target) return subscription.nextRevision - 1n;
    if (remainingMs() <= 0 || signals.some((each) => each?.aborted === true)) return undefined;
    const { moved } = subscription;
    const asked = await place.askProgress();
    const unanswered = performance.now() - began > UNANSWERED_MS;
    const mayLook = asked === "untrusted" || (asked === "asked" && unanswered);
    if (mayLook && !source.filtered && (await isSettled(source, signal))) return target;
    await pause(Math.min(backoffMs(attempt, REPEAT), Math.max(1, remainingMs())), moved, ...signals);
  }
}

/**
 * Whether the range looks as the watch has shown it: nothing newer, nothing gone. What came and went in between leaves
 * no trace, and may still be on its way.
 */
async function isSettled(
  { connection, subscription, range }: ProgressSource,
  signal?: AbortSignal,
): Promise<boolean> {
  const next = subscription.nextRevision;
  try {
    const newer = { ...range, minModRevision: next, limit: 1n, keysOnly: true };
    const { kvs, count } = await connection.unary(rpcs.range, newer, { signal });
    if (kvs.length > 0) return false;
    const before = { ...range, revision: next - 1n, countOnly: true };
    const known = next === 1n ? 0n : (await connection.unary(rpcs.range, before, { signal })).count;
    return count === known && subscription.nextRevision === next;
  } catch (error) {
    // Compacted, or the way is broken: nothing is known, and it is tried again.
    if (!isEtcdError(error)) throw error;
    return false;
  }
}
