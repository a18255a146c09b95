import { describe, expect, it } from "vitest";
import { violations } from "./guarantees.ts";
import type { Change, RecordedBatch, Recording, TrueLog, Version, WatchRequest } from "./recording.ts";

const put = (revision: bigint, key: string, value: string, previous?: Version): Change => ({
  revision,
  type: "put",
  key,
  value,
  isCreate: previous === undefined,
  previous,
});
const gone = (revision: bigint, key: string, previous: Version): Change => ({
  revision,
  type: "delete",
  key,
  value: "",
  isCreate: false,
  previous,
});

const a2 = put(2n, "p/a", "1");
const b3 = put(3n, "p/b", "1");
// One transaction.
const a4 = put(4n, "p/a", "2", { value: "1", modRevision: 2n });
const c4 = put(4n, "p/c", "1");
const b5 = gone(5n, "p/b", { value: "1", modRevision: 3n });
const x6 = put(6n, "other", "1");
const a7 = put(7n, "p/a", "3", { value: "2", modRevision: 4n });
const LOG: TrueLog = { changes: [a2, b3, a4, c4, b5, x6, a7], until: 7n, compacted: 0n };

const batch = (revision: bigint, ...changes: Change[]): RecordedBatch => ({ revision, changes });
const recorded = (batches: RecordedBatch[], request: Partial<WatchRequest> = {}): Recording => ({
  request: { range: { prefix: "p/" }, startRevision: 2n, prevKv: true, filters: [], ...request },
  batches,
});
const brokenBy = (recording: Recording, log: TrueLog = LOG): string[] => [
  ...new Set(violations(recording, log).map((line) => line.split(":")[0] ?? "")),
];

describe("a recording in which nothing is wrong", () => {
  it.each<[string, Recording]>([
    [
      "in single batches",
      recorded([batch(2n, a2), batch(3n, b3), batch(4n, a4, c4), batch(5n, b5), batch(7n, a7)]),
    ],
    ["in one batch", recorded([batch(7n, a2, b3, a4, c4, b5, a7)])],
    ["that stops early", recorded([batch(2n, a2), batch(3n, b3)])],
    ["of nothing yet", recorded([])],
    [
      "with bookmarks",
      recorded([batch(4n, a2, b3, a4, c4), batch(5n, b5), batch(6n), batch(7n, a7), batch(9n)]),
    ],
    ["from a later start", recorded([batch(5n, b5), batch(7n, a7)], { startRevision: 5n })],
    ["of one key", recorded([batch(2n, a2), batch(4n, a4), batch(7n, a7)], { range: { key: "p/a" } })],
    ["without puts", recorded([batch(5n, b5)], { filters: ["put"] })],
    [
      "without previous versions",
      recorded([batch(4n, { ...a4, previous: undefined }, c4)], { startRevision: 4n, prevKv: false }),
    ],
    [
      "past the end of the log",
      recorded([batch(7n, a7), batch(8n, put(8n, "p/z", ""))], { startRevision: 6n }),
    ],
  ])("%s passes", (_, recording) => expect(violations(recording, LOG)).toEqual([]));

  it("may lack a previous version that was compacted, and no other", () => {
    const without = (change: Change): Change => ({ ...change, previous: undefined });
    const recording = recorded([batch(4n, without(a4), c4), batch(5n, without(b5))], { startRevision: 4n });
    expect(violations(recording, { ...LOG, compacted: 4n })).toEqual([]);
    expect(brokenBy(recording, { ...LOG, compacted: 3n })).toEqual(["prevKv"]);
  });
});

describe("a recording in which something is wrong is found out by", () => {
  it.each<[string, string, Recording]>([
    ["ordered", "events swapped in a batch", recorded([batch(4n, b3, a2, a4, c4)])],
    ["ordered", "batches swapped", recorded([batch(3n, b3), batch(2n, a2)])],
    ["ordered", "a bookmark that goes back", recorded([batch(4n, a2, b3, a4, c4), batch(3n)])],
    ["ordered", "an event beyond its batch", recorded([batch(2n, a2, b3)])],
    ["unique", "an event again", recorded([batch(2n, a2), batch(3n, b3), batch(3n, b3)])],
    ["unique", "an event twice in a batch", recorded([batch(2n, a2, a2)])],
    ["atomic", "a transaction spread", recorded([batch(3n, a2, b3), batch(4n, a4), batch(4n, c4)])],
    ["reliable", "a gap", recorded([batch(2n, a2), batch(4n, a4, c4)])],
    ["reliable", "half a transaction", recorded([batch(3n, a2, b3), batch(4n, a4), batch(5n, b5)])],
    ["reliable", "an event made up", recorded([batch(2n, a2), batch(3n, { ...b3, value: "9" }, b3)])],
    [
      "reliable",
      "a deletion made up",
      recorded([batch(3n, a2, b3), batch(4n, a4, c4, gone(4n, "p/z", { value: "", modRevision: 1n }))]),
    ],
    ["resumable", "a missing beginning", recorded([batch(3n, b3), batch(4n, a4, c4)])],
    [
      "resumable",
      "an event from before",
      recorded([batch(3n, b3), batch(4n, a4, c4)], { startRevision: 4n }),
    ],
    [
      "bookmarkable",
      "a bookmark ahead of events",
      recorded([batch(2n, a2), batch(4n), batch(4n, b3, a4, c4)]),
    ],
    ["bookmarkable", "a bookmark over what never comes", recorded([batch(7n)])],
    ["bookmarkable", "a bookmark over the last event", recorded([batch(5n, a2, b3, a4, c4, b5), batch(7n)])],
    ["prevKv", "no previous version", recorded([batch(4n, a2, b3, { ...a4, previous: undefined }, c4)])],
    [
      "prevKv",
      "one of another revision",
      recorded([batch(4n, a2, b3, { ...a4, previous: { value: "1", modRevision: 3n } }, c4)]),
    ],
    [
      "prevKv",
      "another value",
      recorded([batch(4n, a2, b3, { ...a4, previous: { value: "0", modRevision: 2n } }, c4)]),
    ],
    [
      "prevKv",
      "one that nobody asked for",
      recorded([batch(4n, a4, c4)], { startRevision: 4n, prevKv: false }),
    ],
    ["isCreate", "a create that was none", recorded([batch(4n, a2, b3, { ...a4, isCreate: true }, c4)])],
    ["isCreate", "a create not told", recorded([batch(2n, { ...a2, isCreate: false })])],
    ["filter", "another key", recorded([batch(6n, x6)], { startRevision: 6n })],
    [
      "filter",
      "a neighbour of the one key",
      recorded([batch(2n, a2), batch(3n, b3)], { range: { key: "p/a" } }),
    ],
    ["filter", "a kind left out", recorded([batch(5n, b5)], { startRevision: 5n, filters: ["delete"] })],
  ])("%s: %s", (guarantee, _, recording) => expect(brokenBy(recording)).toContain(guarantee));
});
