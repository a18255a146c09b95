/** G2: a watch is ordered, unique, atomic, reliable, resumable and bookmarkable. */
export const watches = [
  {
    name: "resume-position-behind",
    harm: "After every broken connection the last revision is delivered once more.",
    file: "packages/core/src/watch/subscription.ts",
    find: "this.#moveTo(last + 1n);",
    replace: "this.#moveTo(last);",
    tests: [
      {
        file: "packages/core/test/watch-position.test.ts",
        title:
          "goes on right behind what it delivered, whether the next revision came before, while or after it was away",
      },
    ],
  },
  {
    name: "resume-position-ahead",
    harm: "The change right after a broken connection is never delivered.",
    file: "packages/core/src/watch/subscription.ts",
    find: "startRevision: this.#nextRevision,",
    replace:
      "startRevision: this.#nextRevision + (this.#nextRevision > this.#options.startRevision ? 1n : 0n),",
    tests: [
      {
        file: "packages/core/test/watch-position.test.ts",
        title:
          "goes on right behind what it delivered, whether the next revision came before, while or after it was away",
      },
    ],
  },
  {
    name: "resume-token-off-by-one",
    harm: "A process that goes on where another one was gets the last batch again.",
    file: "packages/core/src/watch/watch-options.ts",
    find: "known.revision + 1n",
    replace: "known.revision",
    tests: [
      {
        file: "packages/core/test/watch-resume.test.ts",
        title: "stands for what the loop was given, and another process goes on from there",
      },
    ],
  },
  {
    name: "revision-split",
    harm: "A large revision is delivered in pieces, and what comes after the first piece is taken for old.",
    file: "packages/core/src/watch/subscription.ts",
    find: "if (response.fragment || this.#fragments.length > 0) {",
    replace: "if (this.#fragments.length > 0) {",
    tests: [
      {
        file: "packages/core/test/watch.test.ts",
        title: "puts together answers that etcd cuts, beyond every message limit",
      },
    ],
  },
  {
    name: "compaction-without-revision",
    harm: "A watch whose history is gone ends like any other, and nobody knows that events are missing.",
    file: "packages/core/src/watch/end-of-watch.ts",
    find: "if (compactRevision !== 0n) {",
    replace: "if (compactRevision < 0n) {",
    tests: [
      {
        file: "packages/core/test/watch-compaction.test.ts",
        title: "is COMPACTED with the compact revision, where the start is gone",
      },
    ],
  },
  {
    name: "other-cluster-trusted",
    harm: "A watch goes on in another cluster, as if its revisions were those of the first.",
    file: "packages/core/src/watch/store-view.ts",
    find: "if (this.#clusterId !== 0n) return anotherCluster(this.#clusterId, clusterId);",
    replace: "",
    tests: [
      {
        file: "packages/core/test/watch-resume.test.ts",
        title: "is refused by another cluster, whose events are not shown, however far that is",
      },
    ],
  },
  {
    name: "restored-store-trusted",
    harm: "A watch on a store that was restored from a backup waits in silence for revisions it has seen before.",
    file: "packages/core/src/watch/subscription.ts",
    find: "const behind = header !== null && header.revision < this.#store.revision;",
    replace: "const behind = false;",
    tests: [
      {
        file: "packages/core/test/watch-resume.test.ts",
        title: "is refused by a store that was restored to before it",
      },
    ],
  },
  {
    name: "old-progress-trusted",
    harm: "A word about progress from before a watch began counts for it, and its replay is taken for old.",
    file: "packages/core/src/watch/subscription.ts",
    find: "else if (this.#staleAnswers > 0) {",
    replace: "else if (this.#staleAnswers < 0) {",
    tests: [
      {
        file: "packages/core/test/watch-progress.test.ts",
        title: "is not taken for that watch's, however the server puts them in order",
      },
    ],
  },
];
