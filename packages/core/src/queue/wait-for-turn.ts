import type { EtcdErrorCode } from "../errors/error-codes.ts";
import { EtcdError, isEtcdError } from "../errors/etcd-error.ts";
import { compare } from "../txn/compare.ts";
import { op } from "../txn/op.ts";
import { pause } from "../util/abort.ts";
import { backoffMs } from "../util/backoff.ts";
import { Scope } from "./scope.ts";
import type { QueueClient } from "./queue-client.ts";
import { type QueueKey, type Ticket, toQueueKey } from "./ticket.ts";

export interface WaitOptions {
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined;
  /** Called with the key right before ours, each time that is another one: who keeps us waiting. */
  readonly onWaiting?: ((predecessor: QueueKey) => void) | undefined;
}

/** Conditions that pass while the session lives; its end is what bounds the wait. */
const PASSING: readonly EtcdErrorCode[] = [
  "UNAVAILABLE",
  "TIMEOUT",
  "NO_LEADER",
  "TOO_MANY_REQUESTS",
  "COMPACTED",
];

/** Resolves when, at one revision, the ticket's key exists and no older one does. */
export async function waitForTurn(
  client: QueueClient,
  prefix: string,
  ticket: Ticket,
  options: WaitOptions,
): Promise<void> {
  const scope = new Scope([ticket.session.signal, ticket.watch.signal, options.signal], { what: ticket.key });
  const { signal } = scope;
  let announced: bigint | undefined;
  let attempt = 0;
  try {
    while (!signal.aborted) {
      try {
        const place = await confirm(client, prefix, ticket, signal);
        if (place === "first") return;
        attempt = 0;
        const { predecessor } = place;
        if (announced !== predecessor.createRevision) {
          announced = predecessor.createRevision;
          options.onWaiting?.(predecessor);
        }
        await untilDeleted(client, predecessor.key, place.revision + 1n, signal);
      } catch (error) {
        if (signal.aborted || !isEtcdError(error, ...PASSING)) throw error;
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

/**
 * Asks "am I there, and first?" in one transaction, which is what Go's election leaves out: whoever only sees that the
 * predecessor has gone may be elected with a key that went as well (etcd#19597).
 */
async function confirm(
  client: QueueClient,
  prefix: string,
  { key, createRevision }: Ticket,
  signal: AbortSignal,
): Promise<"first" | { readonly predecessor: QueueKey; readonly revision: bigint }> {
  const older = { maxCreateRevision: createRevision - 1n, limit: 1 } as const;
  const { succeeded, revision, results } = await client
    .txn()
    .if(
      compare(key).createRevision.equals(createRevision),
      compare({ prefix }).createRevision.greaterThan(createRevision - 1n),
    )
    .else(
      op.get(key),
      op.range({ prefix }, { ...older, sort: { by: "createRevision", order: "descending" } }),
    )
    .commit({ signal });
  if (succeeded) return "first";
  const [own, { kvs }] = results;
  if (own?.createRevision !== createRevision) {
    throw new EtcdError("KEY_DELETED", `${key} was deleted or replaced by somebody else`);
  }
  const [predecessor] = kvs;
  if (predecessor === undefined) throw new EtcdError("PROTOCOL", `${key} is first, but was said not to be`);
  return { predecessor: toQueueKey(predecessor), revision };
}

/** A change of the key's value (a proclaim) is of no interest, so only deletions are asked for. */
async function untilDeleted(
  client: QueueClient,
  key: string,
  startRevision: bigint,
  signal: AbortSignal,
): Promise<void> {
  for await (const { events } of client.watch(key, { startRevision, signal, filters: ["put"] })) {
    if (events.length > 0) return;
  }
}
