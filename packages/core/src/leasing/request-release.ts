import type { KeyValue } from "../kv/key-value.ts";
import { type Look, waitUntil } from "../queue/wait-until.ts";
import type { CallOptions } from "../transport/call-options.ts";
import { compare } from "../txn/compare.ts";
import { op } from "../txn/op.ts";
import type { LeasingClient } from "./leasing-client.ts";
import { REVOKE } from "./ownership-keys.ts";

export interface ReleaseRequest extends CallOptions {
  readonly client: LeasingClient;
  /** For the message of an error. */
  readonly what: string;
  /** The ownership key, as it was found. */
  readonly ownership: KeyValue;
  /** What ends the wait, beside the caller's own signal. */
  readonly closing: AbortSignal;
}

/** Asks the owner of a key to give it up, and waits until it has, or until its lease is over. */
export async function requestRelease(request: ReleaseRequest): Promise<void> {
  const { client, what, ownership, closing, signal, timeoutMs } = request;
  const { keyBytes: key, createRevision } = ownership;
  const look = async (ending: AbortSignal): Promise<Look<void>> => {
    const asked = await client
      .txn()
      .if(compare(key).createRevision.equals(createRevision), compare(key).value.notEquals(REVOKE))
      // On the owner's lease, so that the key still goes with it.
      .then(op.put(key, REVOKE, { ignoreLease: true }))
      .else(op.get(key))
      .commit({ signal: ending, repeatable: true });
    const { revision } = asked;
    const gone = !asked.succeeded && asked.results[0]?.createRevision !== createRevision;
    return gone ? { done: undefined } : { watched: key, revision };
  };
  await waitUntil({ client, what, signals: [closing], look }, { signal, timeoutMs });
}
