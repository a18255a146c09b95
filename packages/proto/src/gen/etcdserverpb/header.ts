// Generated from proto/**/*.proto by scripts/generate.mjs. Do not edit.

/** Stands in every answer and says who answered, and as of when. */
export interface ResponseHeader {
  readonly clusterId: bigint;
  /** The member that answered. */
  readonly memberId: bigint;
  /**
   * Store revision when the request was applied. On a watch progress notice:
   * every event up to and including this revision has been sent on the stream.
   */
  readonly revision: bigint;
  readonly raftTerm: bigint;
}

/** {@link ResponseHeader} to be encoded. */
export interface ResponseHeaderInput {
  clusterId?: bigint | undefined;
  memberId?: bigint | undefined;
  revision?: bigint | undefined;
  raftTerm?: bigint | undefined;
}
