import type { Bytes } from "../kv/bytes.ts";
import type { CallOptions } from "../transport/call-options.ts";
import { compare } from "../txn/compare.ts";
import { op } from "../txn/op.ts";
import type { QueueClient } from "./queue-client.ts";
import type { Ticket } from "./ticket.ts";

/**
 * Deletes the key of a ticket, unless it has been created anew since: a plain delete that is repeated after a lost answer
 * could free a newer lock of the same session (etcd#22082).
 */
export async function deleteOwnKey(
  client: Pick<QueueClient, "txn">,
  ticket: Pick<Ticket, "createRevision" | "session"> & { readonly key: Bytes },
  options: CallOptions = {},
): Promise<void> {
  if (ticket.session.leaseGone) return;
  await client
    .txn()
    .if(compare(ticket.key).createRevision.equals(ticket.createRevision))
    .then(op.delete(ticket.key))
    .commit({ ...options, repeatable: true });
}
