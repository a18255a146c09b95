/** G1: no write is sent twice, and a failed one says what is known. */
export const writes = [
  {
    name: "write-sent-twice",
    harm: "A write whose answer was lost is sent again: an increment counts twice.",
    file: "packages/core/src/transport/retrying-call.ts",
    find: `if (kind === "write" && failure.outcome === "unknown")`,
    replace: `if (kind === "write" && failure.outcome === "unknown" && this.#attempts > 1)`,
    tests: [
      {
        file: "packages/core/test/outcome.test.ts",
        title: "to a write is told as unknown, and the write is not sent again",
      },
    ],
  },
  {
    name: "unknown-outcome-forgotten",
    harm: "A write that may have been done is said not to have been, so that the caller does it once more.",
    file: "packages/core/src/transport/retrying-call.ts",
    find: `if (failure.outcome === "unknown") this.#progress.maybeApplied = true;`,
    replace: "",
    tests: [{ file: "packages/core/test/outcome.test.ts", title: "cannot tell that nothing was applied" }],
  },
  {
    name: "stm-without-conditions",
    harm: "Two transactions that read the same and write at the same time: one of them is lost.",
    file: "packages/core/src/stm/commit.ts",
    find: ".if(...conditions)",
    replace: "",
    tests: [
      {
        file: "packages/core/test/stm.test.ts",
        title: "brings the new values along, so the next run reads nothing",
      },
    ],
  },
];
