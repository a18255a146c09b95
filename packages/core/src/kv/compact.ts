import type { CompactionRequestInput } from "@quorumkit/proto";
import { CALL_OPTIONS, type CallOptions } from "../transport/call-options.ts";
import { bigintOption, booleanOption, describe, refuseUnknown } from "../util/validate.ts";

export interface CompactOptions extends CallOptions {
  /**
   * Answer only when the old versions are gone from the asked member's database, not already when the cluster has agreed.
   * On a large store that can take longer than the default deadline.
   *
   * @default false
   */
  readonly physical?: boolean | undefined;
}

export function compactRequest(revision: bigint, options: CompactOptions): CompactionRequestInput {
  refuseUnknown(options, ["physical", ...CALL_OPTIONS], "compact");
  const checked = bigintOption(revision, "revision", 1n);
  if (checked === undefined) throw new TypeError(`revision must be a bigint, received ${describe(revision)}`);
  return { revision: checked, physical: booleanOption(options.physical, "physical") };
}
