/** G6 and G7: config is whole, valid, and says when it may be old. */
export const config = [
  {
    name: "invalid-value-accepted",
    harm: "A value that the schema refuses reaches every reader.",
    file: "packages/config/src/validate-document.ts",
    find: "if (result.issues) return { valid: false, issues: result.issues.map(toIssue) };",
    replace: "if (result.issues) return { valid: true, value: frozenCopy(input) };",
    tests: [
      {
        file: "packages/config/test/last-known-good.test.ts",
        title:
          "holds back the whole transaction it came with, and what is written after it, until it is mended",
      },
      {
        file: "packages/config/test/publish.test.ts",
        title: "refuses what makes the merged document invalid, and writes nothing",
      },
    ],
  },
  {
    name: "half-of-a-transaction",
    harm: "Of two documents written together the valid one goes live alone: a mix that nobody ever wrote.",
    file: "packages/config/src/snapshot.ts",
    find: "if (rejections.length === 0) return this.#accept(examined, state.revision);",
    replace: "if (rejections.length < examined.size) return this.#accept(examined, state.revision);",
    tests: [
      {
        file: "packages/config/test/snapshot.test.ts",
        title: "is held back as a whole, and goes live as a whole when it is valid",
      },
      {
        file: "packages/config/test/last-known-good.test.ts",
        title:
          "holds back the whole transaction it came with, and what is written after it, until it is mended",
      },
    ],
  },
  {
    name: "publish-without-guards",
    harm: "Two writes that are valid each for itself add up to a document that is not.",
    file: "packages/config/src/publish.ts",
    find: `      .if(...guards)
`,
    replace: "",
    tests: [
      {
        file: "packages/config/test/publish.test.ts",
        title: "from two sides never adds up to an invalid document",
      },
    ],
  },
  {
    name: "older-state-after-newer",
    harm: "Of the changes that arrive while one is being validated, the last one is lost.",
    file: "packages/config/src/pipeline.ts",
    find: "    this.#pending = state;\n",
    replace: "    this.#pending ??= state;\n",
    tests: [
      {
        file: "packages/config/test/pipeline.test.ts",
        title: "builds one state at a time and keeps only the newest of those that wait",
      },
    ],
  },
  {
    name: "stale-config-called-live",
    harm: "While etcd is away the config says that it is what etcd has.",
    file: "packages/config/src/freshness.ts",
    find: `if (mirror.state !== "live" || pipeline.overdueSince !== undefined) return "stale";`,
    replace: `if (pipeline.overdueSince !== undefined) return "stale";`,
    tests: [
      {
        file: "packages/config/test/freshness.test.ts",
        title: "turns stale with the mirror, and live only when what came back has been dealt with",
      },
      {
        file: "packages/config/test/outage.test.ts",
        title:
          "etcd killed: the last state is served and said to be stale; restarted: it is live again, with what changed",
      },
    ],
  },
  {
    name: "live-before-validated",
    harm: "After an outage the config says live while readers still get what was before it.",
    file: "packages/config/src/freshness.ts",
    find: `return this.#state === "stale" && pipeline.busy ? "stale" : "live";`,
    replace: `return "live";`,
    tests: [
      {
        file: "packages/config/test/freshness.test.ts",
        title: "turns stale with the mirror, and live only when what came back has been dealt with",
      },
    ],
  },
];
