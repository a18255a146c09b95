import type { CallOptions } from "@quorumkit/core";
import { CALL_OPTIONS, checkCallOptions, refuseUnknown } from "@quorumkit/core/internal";

/** Refuses options that are wrong. `extra` names what may stand beside the call options. */
export function checkOwnOptions(options: CallOptions, where: string, extra: readonly string[] = []): void {
  refuseUnknown(options, [...extra, ...CALL_OPTIONS], where);
  checkCallOptions(options);
}
