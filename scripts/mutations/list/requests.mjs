/** What is asked of the client is what it asks of etcd. */
export const requests = [
  {
    name: "range-filter-swapped",
    harm: "Who asks for the keys created since a revision gets those created before it.",
    file: "packages/core/src/kv/range.ts",
    find: `minCreateRevision: bigintOption(options.minCreateRevision, "minCreateRevision"),
    maxCreateRevision: bigintOption(options.maxCreateRevision, "maxCreateRevision"),`,
    replace: `maxCreateRevision: bigintOption(options.minCreateRevision, "minCreateRevision"),
    minCreateRevision: bigintOption(options.maxCreateRevision, "maxCreateRevision"),`,
    tests: [
      {
        file: "packages/core/test/range-options.test.ts",
        title: "filter by create and by mod revision, from below and from above",
      },
    ],
  },
  {
    name: "sorted-by-another-field",
    harm: "Keys sorted by their last change come sorted by how often they changed: the newest is not the first.",
    file: "packages/core/src/kv/range.ts",
    find: `modRevision: SortTarget.MOD,`,
    replace: `modRevision: SortTarget.VERSION,`,
    tests: [
      {
        file: "packages/core/test/range-options.test.ts",
        title: "sort by every field, in both directions, and limit after that",
      },
    ],
  },
  {
    name: "compared-with-no-lease",
    harm: "A condition on a key's lease asks whether it has none: whoever holds the key is refused, and anybody's key passes.",
    file: "packages/core/src/txn/compare.ts",
    find: `lease: value === 0n ? 0n : leaseId(value)`,
    replace: `lease: value === 0n ? 0n : leaseId(value) && 0n`,
    tests: [
      {
        file: "packages/core/test/range-options.test.ts",
        title: "is compared as it is, and not only whether there is one",
      },
    ],
  },
  {
    name: "physical-not-asked",
    harm: "Who waits for a compaction to be done, to defragment after it, is answered before it has begun.",
    file: "packages/core/src/kv/compact.ts",
    find: `physical: booleanOption(options.physical, "physical")`,
    replace: `physical: booleanOption(options.physical, "physical") && false`,
    tests: [
      {
        file: "packages/core/test/range-options.test.ts",
        title: "compact asks for a physical compaction where it is told to, and only there",
      },
    ],
  },
];
