import { EtcdError, isEtcdError, type Outcome } from "../errors/etcd-error.ts";
import { keyId } from "../kv/bytes.ts";
import type { KeyValue } from "../kv/key-value.ts";
import type { RangeResult } from "../kv/range.ts";
import { callBudget } from "../transport/call-budget.ts";
import type { CallOptions } from "../transport/call-options.ts";
import { compare } from "../txn/compare.ts";
import { op } from "../txn/op.ts";
import type { Op } from "../txn/txn-types.ts";
import { pause } from "../util/abort.ts";
import { backoffMs } from "../util/backoff.ts";
import { bounded } from "../util/scope.ts";
import type { LeasingClient } from "./leasing-client.ts";
import type { OwnedKey } from "./owned-keys.ts";
import { type OwnershipKeys } from "./ownership-keys.ts";
import { requestRelease } from "./request-release.ts";
import type { Term } from "./term.ts";
import type { Writes } from "./writes-of.ts";

export interface WriteContext {
  readonly client: LeasingClient;
  readonly keys: OwnershipKeys;
  /** The term at this moment; undefined while there is none. */
  readonly term: () => Term | undefined;
  readonly closing: AbortSignal;
}

/** A write, with all it may change. */
export interface Write<Result> {
  /** For messages: the verb. */
  readonly what: string;
  readonly operation: Op<Result>;
  readonly writes: Writes;
}

/** What a transaction that was refused has found: the ownership keys of single keys, and those of ranges. */
interface InTheWay {
  readonly ofKeys: readonly KeyValue[];
  readonly ofRanges: readonly KeyValue[];
}

type Attempt<Result> = { readonly done: { readonly result: Result; readonly revision: bigint } } | InTheWay;

const BACKOFF = { initialMs: 4, maxMs: 250 };

/**
 * Writes when nobody else owns what is written: in a transaction which etcd refuses otherwise, again and again, each time after
 * those in the way were asked to give up. It is sent anew only after such a refusal, so never twice.
 */
export async function guardedWrite<Result>(
  context: WriteContext,
  write: Write<Result>,
  options: CallOptions,
): Promise<{ readonly result: Result; readonly revision: bigint }> {
  const budget = callBudget(context.client, options, write.what);
  for (let attempt = 0; ; attempt += 1) {
    if (context.closing.aborted) throw withOutcome(context.closing.reason, "notApplied");
    const term = context.term();
    const attempted = await tryWrite(context, term, write, budget());
    if ("done" in attempted) return attempted.done;
    await clear(context, term, attempted, { what: write.what, budget });
    if (attempt > 0) await pause(backoffMs(attempt - 1, BACKOFF), options.signal);
  }
}

async function tryWrite<Result>(
  { client, keys }: WriteContext,
  term: Term | undefined,
  { operation, writes }: Write<Result>,
  options: CallOptions,
): Promise<Attempt<Result>> {
  const owned = writes.keys.map((key) => term?.find(key));
  const guards = [
    // Absent, or ours as we know it: not merely one that is not newer, which is how Go's compares.
    ...writes.keys.map((key, index) =>
      compare(keys.of(key)).createRevision.equals(owned[index]?.since ?? 0n),
    ),
    // For a range it is simplest that nobody owns a part of it. Holds where there is no ownership key at all.
    ...writes.ranges.map((range) => compare(keys.ofRange(range)).createRevision.equals(0n)),
  ];
  // The keys are read as they are afterwards, so that nothing has to be worked out of how a write changes what.
  const after = writes.keys.filter((_, index) => owned[index] !== undefined).map((key) => op.get(key));
  const owners = writes.keys.map((key) => op.get(keys.of(key)));
  const rangeOwners = writes.ranges.map((range) => op.range(keys.ofRange(range)));
  for (const each of owned) each?.beginWrite();
  try {
    const answer = await client
      .txn()
      .if(...guards)
      .then(operation, ...after)
      .else(...owners, ...rangeOwners)
      .commit(options);
    const { revision } = answer;
    if (answer.succeeded) {
      const [result, ...kvs] = answer.results;
      learn(term, owned.filter(isDefined), kvs, revision);
      return { done: { result, revision } };
    }
    const found = answer.results;
    const ofKeys = (found.slice(0, owners.length) as (KeyValue | undefined)[]).filter(isDefined);
    const ofRanges = (found.slice(owners.length) as RangeResult[]).flatMap(({ kvs }) => kvs);
    forgetGone(term, owned.filter(isDefined), ofKeys, keys);
    return { ofKeys, ofRanges };
  } catch (error) {
    // It may still come into effect, and will not once the ownership it is guarded by is given up.
    if (!isEtcdError(error) || error.outcome !== "notApplied")
      for (const each of owned) if (each !== undefined) void term?.giveUp(each.id, each.since);
    throw error;
  } finally {
    for (const each of owned) each?.endWrite();
  }
}

function learn(
  term: Term | undefined,
  owned: readonly OwnedKey[],
  kvs: readonly (KeyValue | undefined)[],
  revision: bigint,
): void {
  owned.forEach((each, index) => {
    const kv = kvs[index];
    each.learn(kv, revision);
    // The end of a lease deletes the key without asking anybody, so such a key is not to be kept.
    if (kv !== undefined && kv.lease !== 0n) void term?.giveUp(each.id, each.since);
  });
}

function forgetGone(
  term: Term | undefined,
  owned: readonly OwnedKey[],
  found: readonly KeyValue[],
  keys: OwnershipKeys,
): void {
  const there = new Map(found.map((kv) => [keyId(keys.ownedBy(kv.keyBytes)), kv.createRevision]));
  for (const { id, since } of owned) if (there.get(id) !== since) term?.forget(id, since);
}

/** Waits until what was in the way is not any more. */
async function clear(
  { client, keys, closing }: WriteContext,
  term: Term | undefined,
  { ofKeys, ofRanges }: InTheWay,
  { what, budget }: { readonly what: string; readonly budget: () => CallOptions },
): Promise<void> {
  const release = async (ownership: KeyValue, mayStay: boolean): Promise<void> => {
    const key = keys.ownedBy(ownership.keyBytes);
    if (term?.has(ownership) !== true)
      return requestRelease({ client, what, ownership, closing, ...budget() });
    const { createRevision: since } = ownership;
    // One that is ours is in nobody's way, unless we do not know of it, or it is part of a range.
    if (mayStay && term.find(key)?.since === since) return;
    await bounded(term.giveUp(keyId(key), since), { what, ...budget() });
  };
  try {
    await Promise.all([
      ...ofKeys.map(async (each) => release(each, true)),
      ...ofRanges.map(async (each) => release(each, false)),
    ]);
  } catch (error) {
    throw withOutcome(error, "notApplied");
  }
}

/** The same error, with what is known of the write that the caller asked for; not of the one that failed on the way to it. */
export function withOutcome(error: unknown, outcome: Outcome | undefined): unknown {
  if (!isEtcdError(error) || error.outcome === outcome) return error;
  const { code, message, cause } = error;
  return new EtcdError(code, message.slice(`${code}: `.length), { cause, outcome });
}

function isDefined<T>(value: T | undefined): value is T {
  return value !== undefined;
}
