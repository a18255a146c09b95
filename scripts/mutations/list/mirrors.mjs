/** G2 and G6: a mirror shows what is there, or says that it may not. */
export const mirrors = [
  {
    name: "list-watch-gap",
    harm: "What changes between the listing and the watch is missing for ever.",
    file: "packages/core/src/mirror/mirror.ts",
    find: `      resumeToken: writeResumeToken(
        { clusterId: this.#clusterId, revision: this.#revision },
        toWireRange(this.#range),
      ),
`,
    replace: "",
    tests: [
      {
        file: "packages/core/test/mirror-gap.test.ts",
        title: "misses nothing that happens between its listing and its watch",
      },
    ],
  },
  {
    name: "list-watch-off-by-one",
    harm: "The first change after the listing is missing for ever.",
    file: "packages/core/src/mirror/mirror.ts",
    find: "{ clusterId: this.#clusterId, revision: this.#revision },",
    replace: "{ clusterId: this.#clusterId, revision: this.#revision + 1n },",
    tests: [
      {
        file: "packages/core/test/mirror-gap.test.ts",
        title: "misses nothing that happens between its listing and its watch",
      },
    ],
  },
  {
    name: "pages-of-many-revisions",
    harm: "A long listing mixes states: of one transaction, half is old and half is new.",
    file: "packages/core/src/kv/scan.ts",
    find: "if (revision === 0n) ({ revision } = header);",
    replace: "",
    tests: [
      {
        file: "packages/core/test/mirror.test.ts",
        title: "lists thousands of keys page by page as of one revision, while others write",
      },
    ],
  },
  {
    name: "deletions-lost-by-compaction",
    harm: "Keys that went while the history was compacted stay in the cache: calls go to instances that are no more.",
    file: "packages/core/src/mirror/key-map.ts",
    find: `if (!next.has(id)) changes.push({ type: "delete", key: previous.key, previous });`,
    replace: "if (!next.has(id)) next.set(id, previous);",
    tests: [
      {
        file: "packages/core/test/mirror-outage.test.ts",
        title:
          "lists again where the history is compacted, tells only what is different, and is not live in between",
      },
    ],
  },
  {
    name: "listing-without-difference",
    harm: "After each compaction everything is told as changed: every consumer starts over.",
    file: "packages/core/src/mirror/key-map.ts",
    find: "if (previous === undefined || !isSame(previous, kv))",
    replace: "",
    tests: [
      {
        file: "packages/core/test/mirror-outage.test.ts",
        title: "tells nothing where nothing became different behind the compaction",
      },
    ],
  },
  {
    name: "stale-not-told",
    harm: "While etcd is away, the last known state is served as if it were the present one.",
    file: "packages/core/src/mirror/mirror.ts",
    find: `this.#become("stale", error);`,
    replace: "",
    tests: [
      {
        file: "packages/core/test/mirror-outage.test.ts",
        title: "serves the last state, says that it is stale and since when, and becomes live again",
      },
      {
        file: "packages/discovery/test/outage.test.ts",
        title:
          "after an outage longer than the TTL the registration is back, and resolvers served what they knew meanwhile",
      },
    ],
  },
  {
    name: "live-before-caught-up",
    harm: "A cache calls itself live again before it has what it missed.",
    file: "packages/core/src/mirror/continuity.ts",
    find: "if (this.#interruptions === 0) onLive();",
    replace: "if (this.#interruptions >= 0) onLive();",
    tests: [
      {
        file: "packages/core/test/mirror-outage.test.ts",
        title: "is live only when it has what was written while it was cut off",
      },
    ],
  },
  {
    name: "restored-values-missed",
    harm: "A store restored from a backup has other values under known revisions; the cache keeps the old ones.",
    file: "packages/core/src/mirror/mirror.ts",
    find: "if (!compared) await this.#compare(signal);",
    replace: "",
    tests: [
      {
        file: "packages/core/test/mirror-identity.test.ts",
        title: "lists again when a restored store has passed it, with other values under the same revisions",
      },
    ],
  },
];
