import { isEtcdError } from "../errors/etcd-error.ts";
import { isGone } from "../errors/passing.ts";
import { keyId } from "../kv/bytes.ts";
import { onReturn } from "../queue/watch-return.ts";
import { pause } from "../util/abort.ts";
import { backoffMs } from "../util/backoff.ts";
import type { WatchEvent } from "../watch/watch-event.ts";
import type { Watcher } from "../watch/watcher.ts";
import type { LeasingClient } from "./leasing-client.ts";
import { type OwnershipKeys, REVOKE } from "./ownership-keys.ts";
import type { Term } from "./term.ts";

export interface FollowParts {
  readonly client: LeasingClient;
  readonly keys: OwnershipKeys;
  readonly term: Term;
  /** Ends it. */
  readonly signal: AbortSignal;
}

const BACKOFF = { initialMs: 50, maxMs: 5_000 };

/**
 * Gives up what others ask for, for as long as the term lasts. One watch over all ownership keys, so it also finds those that
 * an acquisition made whose answer was lost; Go's, one for each key it knows of, leave them to block writers for ever. After
 * each interruption the keys are listed: what was asked meanwhile may be compacted, or of a history that is no more.
 */
export async function followOwnership(parts: FollowParts, first: Watcher): Promise<void> {
  const { client, keys, term, signal } = parts;
  let watcher = first;
  let failures = 0;
  while (!signal.aborted) {
    onReturn(watcher, () => void watcher.close());
    try {
      for await (const { events } of watcher) {
        failures = 0;
        for (const event of events) told(parts, event);
      }
    } catch (error) {
      if (isEtcdError(error, "CLOSED")) return;
      // What was owned in that history is not owned in another one.
      if (isGone(error)) for (const { id, since } of term.owned()) void term.giveUp(id, since);
      else await pause(backoffMs(failures++, BACKOFF), signal);
    }
    const startRevision = await listAgain(parts);
    if (startRevision === undefined) return;
    watcher = client.watch(keys.range, { startRevision, signal });
  }
}

function told({ keys, term }: FollowParts, { type, kv }: WatchEvent): void {
  const id = keyId(keys.ownedBy(kv.keyBytes));
  if (type === "delete") term.forget(id, kv.modRevision);
  else if (term.has(kv) && kv.text() === REVOKE) void term.revoked(id, kv.createRevision);
}

/** Compares what is owned with what there is; gives the revision to watch from, undefined when it is all over. */
async function listAgain({ client, keys, term, signal }: FollowParts): Promise<bigint | undefined> {
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    // Those acquired from here on may be missing in the listing.
    const before = term.owned();
    try {
      const { kvs, revision } = await client.range(keys.range, { signal });
      const found = new Map(kvs.map((kv) => [keyId(keys.ownedBy(kv.keyBytes)), kv]));
      for (const { id, since } of before) {
        if (found.get(id)?.createRevision !== since) term.forget(id, since);
      }
      for (const [id, kv] of found) {
        if (term.has(kv) && kv.text() === REVOKE) void term.revoked(id, kv.createRevision);
      }
      return revision + 1n;
    } catch (error) {
      if (isEtcdError(error, "CLOSED")) return undefined;
      await pause(backoffMs(attempt, BACKOFF), signal);
    }
  }
  return undefined;
}
