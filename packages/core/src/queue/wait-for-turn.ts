import { EtcdError } from "../errors/etcd-error.ts";
import { op } from "../txn/op.ts";
import type { QueueClient } from "./queue-client.ts";
import { type Ticket, toQueueKey } from "./ticket.ts";
import { type Look, waitUntil, type WaitOptions } from "./wait-until.ts";

/** Resolves when, at one revision, the ticket's key exists and no older one does under `behind`. */
export async function waitForTurn(
  client: QueueClient,
  behind: string,
  ticket: Ticket,
  options: WaitOptions,
): Promise<void> {
  const signals = [ticket.session.signal, ticket.watch.signal];
  const look = async (signal: AbortSignal): Promise<Look<void>> => confirm(client, behind, ticket, signal);
  await waitUntil({ client, what: ticket.key, signals, look }, options);
}

/**
 * Asks "am I there, and first?" in one transaction, so of one revision, which is what Go's election leaves out: whoever
 * only sees that the predecessor has gone may be elected with a key that went as well (etcd#19597).
 */
async function confirm(
  client: QueueClient,
  behind: string,
  { key, createRevision }: Ticket,
  signal: AbortSignal,
): Promise<Look<void>> {
  const older = { maxCreateRevision: createRevision - 1n, limit: 1 } as const;
  const newestFirst = { by: "createRevision", order: "descending" } as const;
  const { results, revision } = await client
    .txn()
    .then(op.get(key), op.range({ prefix: behind }, { ...older, sort: newestFirst }))
    .commit({ signal });
  const [own, range] = results;
  if (own?.createRevision !== createRevision) {
    throw new EtcdError("KEY_DELETED", `${key} was deleted or replaced by somebody else`);
  }
  const [predecessor] = range?.kvs ?? [];
  if (predecessor === undefined) return { done: undefined };
  return { behind: toQueueKey(predecessor), watched: predecessor.key, revision };
}
