const FAILURES = "packages/core/test/coalesce-failures.test.ts";
const LIMITS = "packages/core/test/coalesce-limits.test.ts";
const CONSISTENCY = "packages/core/test/coalesce-consistency.test.ts";
const ABANDONED = "packages/core/test/coalesce-abandoned.test.ts";

/** Calls that share a request: each has what it would have had alone (G1, G8). */
export const batches = [
  {
    name: "aborted-put-called-unsent",
    harm: "A coalesced put that is aborted under way is said not to have been done, and the caller does it again.",
    file: "packages/core/src/batch/batch-call.ts",
    find: `this.#sending?.progress.outcome ?? "notApplied"`,
    replace: `"notApplied"`,
    tests: [{ file: FAILURES, title: "that is aborted after it was sent is unknown" }],
  },
  {
    name: "answered-put-called-unsent",
    harm: "A put that is aborted between its answer and its caller's turn is said not to have been done.",
    file: "packages/core/src/transport/retrying-call.ts",
    find: `picked.succeeded();
        result.token?.accepted();`,
    replace: `picked.succeeded();
        result.token?.accepted();
        this.#progress.sending = false;`,
    tests: [
      {
        file: FAILURES,
        title: "that is aborted when it was answered, and its caller not yet told, is unknown",
      },
    ],
  },
  {
    name: "batch-sent-again-one-by-one",
    harm: "A batch whose endpoints are gone is followed by as many calls as it had operations.",
    file: "packages/core/src/batch/read-batcher.ts",
    find: "if (concernsTheWay(error)) rejectAll",
    replace: "if (false) rejectAll",
    tests: [
      { file: FAILURES, title: "are not sent again one by one, and each tells of what its caller asked for" },
    ],
  },
  {
    name: "batched-reads-serializable",
    harm: "Reads that happen to be made at the same time get what one member has, which may be old.",
    file: "packages/core/src/batch/read-batcher.ts",
    find: "({ requestRange: request })",
    replace: "({ requestRange: { ...request, serializable: true } })",
    tests: [
      {
        file: CONSISTENCY,
        title: "are linearizable unless asked otherwise, and the two kinds never share a transaction",
      },
    ],
  },
  {
    name: "serializable-reads-need-quorum",
    harm: "Reads that are to work without a quorum do not, while others are made at the same time.",
    file: "packages/core/src/batch/read-batcher.ts",
    find: "request.serializable === true ? this.#serializable : this.#linearizable",
    replace: "this.#linearizable",
    tests: [
      { file: CONSISTENCY, title: "need a quorum, and serializable ones asked for at the same time do not" },
    ],
  },
  {
    name: "batch-of-any-size",
    harm: "Many large puts at once make a request that the server refuses, and each is sent twice.",
    file: "packages/core/src/batch/batch-queue.ts",
    find: " || this.#bytes + slot.size > this.#options.maxBytes",
    replace: "",
    tests: [{ file: LIMITS, title: "stays far below the size a server takes" }],
  },
  {
    name: "operation-limit-not-learned",
    harm: "Where a server takes small transactions only, every batch is refused first and sent call by call.",
    file: "packages/core/src/batch/read-batcher.ts",
    find: "queue.limitTo(Math.floor(batch.length / 2))",
    replace: "queue.limitTo(batch.length)",
    tests: [{ file: LIMITS, title: "has no more operations than the server was found to take" }],
  },
  {
    name: "abandoned-batch-goes-on",
    harm: "Calls that were aborted keep close() waiting for as long as their deadline.",
    file: "packages/core/src/batch/sending.ts",
    find: "if (this.#waiting === 0) this.#abort?.abort();",
    replace: "",
    tests: [
      {
        file: ABANDONED,
        title:
          "that nobody waits for any more is taken off the server, and holds up neither close() nor others",
      },
    ],
  },
  {
    name: "answer-keeps-neighbours",
    harm: "One small value that is kept holds the large ones in memory that were read at the same time.",
    file: "packages/core/src/kv/own-bytes.ts",
    find: "if (!holdsMuchMore(wire.key, wire.value)) return wire;",
    replace: "if (wire.key.length > 0) return wire;",
    tests: [
      {
        file: "packages/core/test/own-bytes.test.ts",
        title: "does not hold what others asked for at the same time",
      },
    ],
  },
];
