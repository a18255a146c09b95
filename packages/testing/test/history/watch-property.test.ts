import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  checkWatch,
  type WatchChange,
  type WatchedBatch,
  type WatchRecording,
} from "../../src/history/index.ts";
import { brokenRules } from "./support/build.ts";
import { watched } from "./support/simulate-watch.ts";

type Change = (batches: readonly WatchedBatch[], batch: number, at: number) => WatchedBatch[] | undefined;

const withChanges = (batch: WatchedBatch | undefined, changes: readonly WatchChange[]): WatchedBatch => ({
  revision: batch?.revision ?? 0n,
  changes,
});

/** Makes one change to correct recordings, at an event that fast-check chooses, and wants the rule to tell. */
function expectBroken(rule: string, change: Change): void {
  fc.assert(
    fc.property(watched, fc.nat(), ({ log, recording }, choice) => {
      const places = recording.batches.flatMap(({ changes }, batch) =>
        changes.map((_, at) => ({ batch, at })),
      );
      const place = places[choice % Math.max(1, places.length)];
      const batches = place && change(recording.batches, place.batch, place.at);
      fc.pre(batches !== undefined);
      const broken: WatchRecording = { ...recording, batches };
      expect(brokenRules(checkWatch(broken, log))).toContain(rule);
    }),
    { numRuns: 200, maxSkipsPerRun: 100 },
  );
}

describe("what a correct watch delivered", () => {
  it("passes, whatever the batches, the bookmarks and the start", () => {
    fc.assert(
      fc.property(watched, ({ log, recording }) => {
        expect(checkWatch(recording, log).violations).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it("fails with an event dropped", () =>
    expectBroken("bookmarkable", (batches, batch, at) =>
      batches.with(batch, withChanges(batches[batch], batches[batch]?.changes.toSpliced(at, 1) ?? [])),
    ));

  it("fails with an event doubled", () =>
    expectBroken("unique", (batches, batch, at) => {
      const event = batches[batch]?.changes[at];
      return event && [...batches, { revision: batches.at(-1)?.revision ?? 0n, changes: [event] }];
    }));

  it("fails with two revisions swapped", () =>
    expectBroken("ordered", (batches, batch, at) => {
      const { changes, revision } = batches[batch] as WatchedBatch;
      const [one, two] = [changes[at], changes[at + 1]];
      if (one === undefined || two === undefined || one.revision === two.revision) return undefined;
      return batches.with(batch, { revision, changes: changes.with(at, two).with(at + 1, one) });
    }));

  it("fails with a revision split", () =>
    expectBroken("atomic", (batches, batch, at) => {
      const { changes, revision } = batches[batch] as WatchedBatch;
      if (changes[at]?.revision !== changes[at + 1]?.revision || changes[at] === undefined) return undefined;
      const head = { revision, changes: changes.slice(0, at + 1) };
      return batches.toSpliced(batch, 1, head, { revision, changes: changes.slice(at + 1) });
    }));

  it("fails with a bookmark ahead of an event", () =>
    expectBroken("bookmarkable", (batches, batch) =>
      batches.toSpliced(batch, 0, { revision: batches[batch]?.revision ?? 0n, changes: [] }),
    ));

  it.each<[string, string, (event: WatchChange) => WatchChange]>([
    ["reliable", "another value", (event) => ({ ...event, value: `${event.value}?` })],
    ["reliable", "another kind", (event) => ({ ...event, type: event.type === "put" ? "delete" : "put" })],
    ["filter", "another key", (event) => ({ ...event, key: "q/other" })],
    ["isCreate", "the opposite about its creation", (event) => ({ ...event, isCreate: !event.isCreate })],
    [
      "prevKv",
      "another previous value",
      (event) => ({ ...event, previous: { value: "?", modRevision: event.previous?.modRevision ?? 1n } }),
    ],
    [
      "prevKv",
      "another previous revision",
      (event) => ({
        ...event,
        previous: { value: event.previous?.value ?? "", modRevision: event.revision },
      }),
    ],
  ])("fails in %s with %s", (rule, _, other) =>
    expectBroken(rule, (batches, batch, at) => {
      const { changes, revision } = batches[batch] as WatchedBatch;
      return batches.with(batch, { revision, changes: changes.with(at, other(changes[at] as WatchChange)) });
    }),
  );

  it("fails when it begins too late, or too early", () => {
    fc.assert(
      fc.property(watched, ({ log, recording }) => {
        const [, second] = new Set(
          recording.batches.flatMap(({ changes }) => changes.map(({ revision }) => revision)),
        );
        fc.pre(second !== undefined);
        const cut = recording.batches
          .map((batch) => ({ ...batch, changes: batch.changes.filter(({ revision }) => revision >= second) }))
          .filter(({ changes }) => changes.length > 0);
        expect(brokenRules(checkWatch({ ...recording, batches: cut }, log))).toContain("resumable");
        const request = { ...recording.request, startRevision: second };
        expect(brokenRules(checkWatch({ ...recording, request }, log))).toContain("resumable");
      }),
      { numRuns: 200 },
    );
  });
});
