import { status } from "@grpc/grpc-js";
import type { KeyValue, KeyValueInput, TxnRequest } from "@quorumkit/proto";
import { StatusError, errors } from "../../errors.ts";
import { nameOf } from "../../mvcc/key-span.ts";
import type { EmbeddedState } from "../../state.ts";
import { createdAt, deleteOf, lastUnder, op, putOf, rangeOf } from "./requests.ts";

const slash = Buffer.from("/");
/** What etcd's `concurrency` package grants when it is given no lease, in seconds. */
const sessionTtl = 60n;

/** The place of a lease in a queue of keys under one name, ordered by their create revisions. */
export interface Place {
  readonly key: Buffer;
  readonly createRevision: bigint;
  /** The value it has, if the place was taken before. */
  readonly earlierValue: Buffer | undefined;
  /** The store's revision when it was looked up or taken. */
  readonly revision: bigint;
}

export function prefixOf(name: Buffer): Buffer {
  return Buffer.concat([name, slash]);
}

/** The lease of a session: the given one, or a new one for 0. */
export function sessionLease({ leases }: EmbeddedState, lease: bigint): bigint {
  return lease === 0n ? leases.grant(0n, sessionTtl).id : lease;
}

/** Takes a place, or finds the one that the lease has already. */
export function takePlace(state: EmbeddedState, prefix: Buffer, lease: bigint, value: Buffer): Place {
  const key = Buffer.concat([prefix, Buffer.from(lease.toString(16))]);
  const { succeeded, responses, header } = state.kv.txn({
    compare: [createdAt(key, 0n)],
    success: [op.put(putOf(key, value, lease))],
    failure: [op.range(rangeOf(key))],
  });
  const revision = header?.revision ?? 0n;
  if (succeeded) return { key, createRevision: revision, earlierValue: undefined, revision };
  const kv = firstOf(responses?.[0]?.responseRange?.kvs);
  if (kv === undefined) throw errors.keyNotFound();
  return { key, createRevision: kv.createRevision, earlierValue: kv.value, revision };
}

/** A guarded change: nothing is done unless the key is the one that was created at that revision. */
export function whileCreatedAt(
  { kv }: EmbeddedState,
  key: Buffer,
  createRevision: bigint,
  success: TxnRequest["success"],
): { readonly done: boolean; readonly revision: bigint } {
  const answer = kv.txn({ compare: [createdAt(key, createRevision)], success, failure: [] });
  return { done: answer.succeeded ?? false, revision: answer.header?.revision ?? 0n };
}

/** The wait until nobody stands before a create revision any more: for one predecessor after the other, the nearest first. */
export async function awaitTurn(
  state: EmbeddedState,
  prefix: Buffer,
  createRevision: bigint,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const before = firstOf(state.kv.range(lastUnder(prefix, createRevision - 1n)).kvs);
    if (before === undefined) return;
    await deleted(state, before.key, signal);
  }
}

export function firstOf(kvs: readonly KeyValueInput[] | undefined): KeyValue | undefined {
  return kvs?.[0] as KeyValue | undefined;
}

export function removeKey({ kv }: EmbeddedState, key: Buffer): bigint {
  return kv.deleteRange(deleteOf(key)).header?.revision ?? 0n;
}

/** Resolves with the commit that deletes the key. */
async function deleted({ store }: EmbeddedState, key: Buffer, signal: AbortSignal): Promise<void> {
  const name = nameOf(key);
  let stop: () => void = () => undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => {
        reject(isStopped(signal) ? errors.stopped() : errors.canceled());
      };
      const forgetCommits = store.onCommit(({ events }) => {
        if (events.some(({ type, kv }) => type === "delete" && nameOf(kv.key) === name)) resolve();
      });
      const forgetReset = store.onReset(() => {
        reject(errors.stopped());
      });
      signal.addEventListener("abort", onAbort, { once: true });
      stop = () => {
        forgetCommits();
        forgetReset();
        signal.removeEventListener("abort", onAbort);
      };
      if (signal.aborted) onAbort();
    });
  } finally {
    stop();
  }
}

/** Whether a call ended because its member was killed, which tidies nothing up. */
export function isStopped(signal: AbortSignal): boolean {
  return signal.reason instanceof StatusError;
}

/**
 * These services are clients of their own server, and on the way through that client every error loses its code.
 * Source: etcd, server/etcdserver/api/v3lock and v3election, which return what `clientv3` gave them.
 */
export async function asInnerClient<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof StatusError ? unknownError(error.details) : error;
  }
}

export function unknownError(text: string): StatusError {
  return new StatusError(status.UNKNOWN, text);
}
