import type { KeyRange } from "../kv/key-range.ts";
import type { RangeOptions, RangeResult } from "../kv/range.ts";
import type { LockClient } from "../lock/lock.ts";

/** What the recipes need of a client. */
export interface RecipeClient extends LockClient {
  /** The deadline of a call that names none, in ms. */
  readonly timeoutMs: number;
  range(range: KeyRange, options?: RangeOptions): Promise<RangeResult>;
}
