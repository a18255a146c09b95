import { describe, expect, it } from "vitest";

import {
  checkWatch,
  HistoryError,
  HistoryRecorder,
  type PreviousVersion,
  readHistory,
  recordWatch,
  recordWatchBatch,
  type TrueLog,
  type WatchChange,
  type WatchedBatch,
  watchRecordings,
  type WatchRecording,
  type WatchRequest,
} from "../../src/history/index.ts";
import { brokenRules } from "./support/build.ts";

const put = (revision: bigint, key: string, value: string, previous?: PreviousVersion): WatchChange => ({
  revision,
  type: "put",
  key,
  value,
  isCreate: previous === undefined,
  previous,
});
const gone = (revision: bigint, key: string, previous: PreviousVersion): WatchChange => ({
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

const batch = (revision: bigint, ...changes: WatchChange[]): WatchedBatch => ({ revision, changes });
const recorded = (batches: WatchedBatch[], request: Partial<WatchRequest> = {}): WatchRecording => ({
  request: { range: { prefix: "p/" }, startRevision: 2n, prevKv: true, filters: [], ...request },
  batches,
});
const brokenBy = (recording: WatchRecording, log: TrueLog = LOG): string[] =>
  brokenRules(checkWatch(recording, log));

describe("a recording in which nothing is wrong", () => {
  it.each<[string, WatchRecording]>([
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
  ])("%s passes", (_, recording) =>
    expect(checkWatch(recording, LOG)).toMatchObject({ ok: true, violations: [] }),
  );

  it("may lack a previous version that was compacted, and no other", () => {
    const without = (change: WatchChange): WatchChange => ({ ...change, previous: undefined });
    const recording = recorded([batch(4n, without(a4), c4), batch(5n, without(b5))], { startRevision: 4n });
    expect(brokenBy(recording, { ...LOG, compacted: 4n })).toEqual([]);
    expect(brokenBy(recording, { ...LOG, compacted: 3n })).toEqual(["prevKv"]);
  });
});

describe("a recording in which something is wrong is found out by", () => {
  it.each<[string, string, WatchRecording]>([
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
    ["bookmarkable", "an event again behind it", recorded([batch(4n, a2, b3, a4, c4), batch(5n, b3, b5)])],
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

describe("a violation", () => {
  it("names the watch, the batches and what really happened", () => {
    const watches = [
      recorded([batch(2n, a2)]),
      { ...recorded([batch(2n, a2), batch(4n, a4, c4)]), name: "w", sources: ["p.jsonl:3", "p.jsonl:9"] },
    ];
    const { violations, checked } = checkWatch(watches, LOG);
    expect(checked).toBe(4);
    expect(violations.find(({ rule }) => rule === "reliable")).toEqual({
      rule: "reliable",
      subject: "w",
      message: "3 put p/b 1 is missing",
      part: [
        "batch 1: up to 2: 2 put p/a 1 (p.jsonl:3)",
        "batch 2: up to 4: 4 put p/a 2, 4 put p/c 1 (p.jsonl:9)",
        "in the log: 3 put p/b 1",
      ],
    });
  });
});

describe("a watch that was recorded as lines", () => {
  it("is read back, over processes, with its lines", () => {
    const [one, two]: [string[], string[]] = [[], []];
    const first = new HistoryRecorder({ process: "one", write: (line) => one.push(line) });
    const second = new HistoryRecorder({ process: "two", write: (line) => two.push(line) });
    const { request } = recorded([]);
    const batches = [batch(2n, a2), batch(5n, b3, a4, c4, b5), batch(6n)];
    recordWatch(first, "w", request);
    recordWatchBatch(first, "w", batches[0] as WatchedBatch);
    for (const each of batches.slice(1)) recordWatchBatch(second, "w", each);
    recordWatch(second, "w", { ...request, range: { key: "p/a" }, startRevision: 7n });
    const history = readHistory({ name: "one", lines: one }, { name: "two", lines: two });
    expect(watchRecordings(history)).toEqual([
      { name: "w", request, batches, sources: ["one:2", "two:1", "two:2"] },
      {
        name: "w",
        request: { ...request, range: { key: "p/a" }, startRevision: 7n },
        batches: [],
        sources: [],
      },
    ]);
    expect(checkWatch(watchRecordings(history), LOG).ok).toBe(true);
  });

  it.each([
    ["watch", {}],
    ["watch", { range: {}, startRevision: "1", prevKv: true, filters: [] }],
    ["watchBatch", { revision: "x", changes: [] }],
    ["watchBatch", 7],
  ])("is refused when a %s has the value %j", (op, value) => {
    const lines: string[] = [];
    const recorder = new HistoryRecorder({ process: "p", write: (line) => lines.push(line) });
    if (op === "watchBatch") recordWatch(recorder, "w", recorded([]).request);
    recorder.note(op, { key: "w", value });
    const history = readHistory({ name: "p", lines });
    expect(() => watchRecordings(history)).toThrow(HistoryError);
  });
});
