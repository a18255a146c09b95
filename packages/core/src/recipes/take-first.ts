import { EtcdError, isEtcdError } from "../errors/etcd-error.ts";
import type { PrefixRange } from "../kv/key-range.ts";
import type { KeyValue } from "../kv/key-value.ts";
import type { Sort } from "../kv/range.ts";
import { type Look, waitUntil } from "../queue/wait-until.ts";
import type { WaitingCallOptions } from "../services/waiting-call.ts";
import { CALL_OPTIONS, checkCallOptions } from "../transport/call-options.ts";
import { compare } from "../txn/compare.ts";
import { op } from "../txn/op.ts";
import { refuseUnknown } from "../util/validate.ts";
import type { RecipeClient } from "./recipe-client.ts";

/** The items of a queue, and which of them is the first. */
export interface Items {
  /** What the queue is called in messages. */
  readonly what: string;
  readonly range: PrefixRange;
  /** The order they are taken in. @default by key */
  readonly sort?: Sort;
}

/** Waits for an item and takes it. */
export async function takeFirst(
  client: RecipeClient,
  items: Items,
  options: WaitingCallOptions,
): Promise<KeyValue> {
  refuseUnknown(options, CALL_OPTIONS, "dequeue");
  checkCallOptions(options);
  const { what } = items;
  const look = async (signal: AbortSignal): Promise<Look<KeyValue | EtcdError>> =>
    lookForFirst(client, items, signal);
  const taken = await waitUntil({ client, what, signals: [], look }, options);
  if (taken instanceof EtcdError) throw taken;
  return taken;
}

/** An item that may have been taken is a result, too: as an error the wait would take it for one that passes, and go on. */
async function lookForFirst(
  client: RecipeClient,
  { what, range, sort }: Items,
  signal: AbortSignal,
): Promise<Look<KeyValue | EtcdError>> {
  for (;;) {
    const { kvs, revision } = await client.range(range, { limit: 1, sort, signal });
    const first = kvs[0];
    if (first === undefined) return { watched: range, event: "put", revision };
    const taken = await take(client, first, what);
    if (taken !== undefined) return { done: taken };
  }
}

/**
 * Takes an item, if it is there still, and gives it as it was last. The caller's signal does not end this: whoever aborts a
 * wait would else not know whether an item has gone.
 *
 * An answer that was lost leaves open who has it. Sent once more, the transaction tells where it succeeds, for then the
 * first sending had no effect and never will; where it does not, the first may have been the reason.
 */
async function take(
  client: RecipeClient,
  { keyBytes, createRevision, key }: KeyValue,
  what: string,
): Promise<KeyValue | EtcdError | undefined> {
  const txn = client
    .txn()
    .if(compare(keyBytes).createRevision.equals(createRevision))
    .then(op.delete(keyBytes, { prevKv: true }));
  let lost: EtcdError | undefined;
  for (;;) {
    try {
      const taken = await txn.commit();
      if (taken.succeeded) return taken.results[0].prevKvs[0];
      return lost;
    } catch (error) {
      if (lost !== undefined) return lost;
      if (!isEtcdError(error) || error.outcome !== "unknown") throw error;
      const message = `${what}: ${key} may have been taken; it can be read at revision ${createRevision} until that is compacted`;
      lost = new EtcdError(error.code, message, { cause: error, outcome: "unknown" });
    }
  }
}
