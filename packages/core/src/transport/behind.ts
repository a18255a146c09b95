import type { ResponseHeader } from "@quorumkit/proto";
import { EtcdError } from "../errors/etcd-error.ts";
import type { AttemptFailure } from "./attempt.ts";
import type { Endpoint } from "./endpoint.ts";

/** Between the times an endpoint is asked again, in ms: a follower is behind by less, as a rule. */
export const CATCH_UP_MS = 25;

/** The endpoints that answered one read with an older state than it is to be of. */
export class Behind {
  readonly endpoints: Set<Endpoint> = new Set();
  readonly #name: string;
  readonly #since: bigint;
  #newest = 0n;

  constructor(name: string, since: bigint) {
    this.#name = name;
    this.#since = since;
  }

  /** What is wrong with the answer; undefined for one that is new enough. */
  check(endpoint: Endpoint, answer: unknown): AttemptFailure | undefined {
    const { header } = answer as { readonly header?: ResponseHeader | null };
    // One without a header is refused where the answer is read.
    if (!header || header.revision >= this.#since) return undefined;
    this.endpoints.add(endpoint);
    if (header.revision > this.#newest) this.#newest = header.revision;
    const details = `the answer is of revision ${header.revision}, and ${this.#since} was seen before`;
    return {
      code: "FUTURE_REVISION",
      outcome: "notApplied",
      temporary: true,
      details,
      cause: new Error(details),
    };
  }

  /** What to tell when the time is over: the old answers, whatever failed beside them. Undefined when there was none. */
  error(passedMs: number): EtcdError | undefined {
    if (this.endpoints.size === 0) return undefined;
    const asked = [...this.endpoints].map(({ url }) => url).join(", ");
    const text = `found no member that is at revision ${this.#since} within ${Math.ceil(passedMs)} ms`;
    const newest = `the newest answer was of ${this.#newest}, from ${asked}`;
    return new EtcdError("FUTURE_REVISION", `${this.#name} ${text} (${newest})`);
  }
}
