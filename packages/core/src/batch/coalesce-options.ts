import { booleanOption, numberOption, refuseUnknown } from "../util/validate.ts";

/** Whether concurrent calls share requests. */
export interface CoalesceOptions {
  /**
   * Send concurrent `get`s as one read-only transaction. Every answer is what it would have been alone.
   *
   * @default true
   */
  readonly reads?: boolean | undefined;
  /**
   * Send concurrent `put`s as one transaction. They then share a revision, which watchers see as one batch; leave it off
   * where each write must have a revision of its own. As without it, `put`s that are not awaited one after the other come
   * in any order. With `maxResponseBytes`, those that ask for `prevKv` go by themselves: together, what was there before
   * could be too large.
   *
   * @default false
   */
  readonly writes?: boolean | undefined;
  /** How many calls may share a request; not above the server's `--max-txn-ops`. @default 128 */
  readonly maxOperations?: number | undefined;
}

export interface ResolvedCoalesceOptions {
  readonly reads: boolean;
  readonly writes: boolean;
  readonly maxOperations: number;
}

const OPTIONS: readonly (keyof CoalesceOptions)[] = ["reads", "writes", "maxOperations"];

export function resolveCoalesceOptions(options: CoalesceOptions = {}): ResolvedCoalesceOptions {
  refuseUnknown(options, OPTIONS, "coalesce");
  return {
    reads: booleanOption(options.reads, "coalesce.reads", true),
    writes: booleanOption(options.writes, "coalesce.writes"),
    maxOperations: numberOption(options.maxOperations, "coalesce.maxOperations", {
      min: 2,
      integer: true,
      fallback: 128,
    }),
  };
}
