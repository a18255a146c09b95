import type { EtcdErrorCode } from "../errors/error-codes.ts";
import type { Outcome } from "../errors/etcd-error.ts";

/**
 * What is known of a call that is under way. The call keeps it up to date; who ends its wait before the call ends can
 * tell from it why, and what became of a write.
 */
export class CallProgress {
  /** It was sent, and has not failed. True of a call that was answered, too: a write then has had its effect. */
  sending = false;
  /** Once a sending may have had effect, no later refusal can tell that none had. */
  maybeApplied = false;
  /** Why it is not done yet: how its last try failed. */
  last: { readonly code: EtcdErrorCode; readonly details: string; readonly cause: Error } | undefined;

  /** What a write that ends now has to tell. */
  get outcome(): Outcome {
    return this.sending || this.maybeApplied ? "unknown" : "notApplied";
  }
}
