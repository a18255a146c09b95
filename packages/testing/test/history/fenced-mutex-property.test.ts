import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkFencedMutex, type HistoryEvent } from "../../src/history/index.ts";
import { choices } from "./support/simulate.ts";
import { simulateMutex } from "./support/simulate-mutex.ts";

const histories = choices(4, 300).map(simulateMutex);

interface Term {
  readonly event: HistoryEvent;
  readonly token: number;
  readonly until: number;
}

/** Acquisitions whose claim ended by a release or a loss, in their order. */
function termsOf(events: readonly HistoryEvent[]): Term[] {
  return events.flatMap((event) => {
    if (event.op !== "acquire" || event.type !== "ok") return [];
    const { token } = event.value as { token: string };
    const end = events.find(
      ({ op, type, value }) =>
        (op === "lost" || (op === "release" && type === "invoke")) &&
        (value as { token?: string }).token === token,
    );
    return end === undefined ? [] : [{ event, token: Number(token), until: Number(end.time) }];
  });
}

/** Breaks each history that has a place for it, and wants it found out by one of the rules at least. */
function expectFoundOut(
  rules: readonly string[],
  broken: (
    events: readonly HistoryEvent[],
    terms: readonly Term[],
    choice: number,
  ) => HistoryEvent[] | undefined,
  guard: "highest" | "owner" = "highest",
): void {
  fc.assert(
    fc.property(histories, fc.nat(), (events, choice) => {
      const changed = broken(events, termsOf(events), choice);
      fc.pre(changed !== undefined);
      const found = new Set(checkFencedMutex(changed, { guard }).violations.map(({ rule }) => rule));
      expect([...found]).toEqual(expect.arrayContaining([...rules]));
    }),
    { numRuns: 150, maxSkipsPerRun: 100 },
  );
}

describe("what a real mutex did", () => {
  it.each(["highest", "owner"] as const)("passes, whoever is lost or killed (%s)", (guard) => {
    let terms = 0;
    fc.assert(
      fc.property(histories, (events) => {
        terms += termsOf(events).length;
        expect(checkFencedMutex(events, { guard })).toMatchObject({ outcome: "ok", violations: [] });
      }),
      { numRuns: 300 },
    );
    expect(terms).toBeGreaterThan(600);
  });

  it("fails when a claim lasts into the next one", () =>
    expectFoundOut(["overlap", "linearizable"], (events, terms, choice) => {
      const at = choice % Math.max(1, terms.length - 1);
      const [term, next] = [terms[at], terms[at + 1]];
      if (term === undefined || next === undefined) return undefined;
      return events
        .filter(
          ({ op, value, time }) =>
            !(
              (value as { token?: string } | undefined)?.token === String(term.token) &&
              Number(time) >= term.until &&
              op !== "acquire"
            ) &&
            !(op === "killed" && (value as { process: string }).process === term.event.process) &&
            !(op === "release" && value === undefined),
        )
        .filter(
          (event, _, all) =>
            event.type === "invoke" ||
            event.type === "note" ||
            all.some(({ id, type }) => id === event.id && type === "invoke"),
        );
    }));

  it("fails when a later term has an older token", () =>
    expectFoundOut(["tokens", "linearizable"], (events, terms, choice) => {
      const at = choice % Math.max(1, terms.length - 1);
      const [term, next] = [terms[at], terms[at + 1]];
      if (term === undefined || next === undefined) return undefined;
      const swapped = new Map([
        [String(term.token), String(next.token)],
        [String(next.token), String(term.token)],
      ]);
      return events.map((event) => {
        const token = swapped.get((event.value as { token?: string } | undefined)?.token ?? "");
        return token === undefined ? event : { ...event, value: { token } };
      });
    }));

  it("fails when a write with an old token is accepted after a newer one's", () =>
    expectFoundOut(["staleWrite", "linearizable"], (events, terms) => {
      const accepted = events.findLast(({ op, type }) => op === "guardedWrite" && type === "ok");
      const written = events.find(({ id }) => id === accepted?.id)?.value as { token: string } | undefined;
      const old = terms.find(({ token }) => token < Number(written?.token ?? 0));
      if (old === undefined) return undefined;
      const time = Number(events.at(-1)?.time) + 1;
      const write = {
        process: "late",
        id: 1,
        op: "guardedWrite",
        key: "k",
        value: { token: String(old.token) },
      };
      return [
        ...events,
        { ...write, time: String(time), type: "invoke" },
        { ...write, time: String(time + 1), type: "ok" },
      ];
    }));

  it("fails when a write of a lost holder is accepted after the next has it", () =>
    expectFoundOut(
      ["linearizable"],
      (events, terms) => {
        const old = terms.at(-2);
        if (old === undefined) return undefined;
        const time = Number(events.at(-1)?.time) + 1;
        const write = {
          process: "late",
          id: 1,
          op: "guardedWrite",
          key: "k",
          value: { token: String(old.token) },
        };
        return [
          ...events,
          { ...write, time: String(time), type: "invoke" },
          { ...write, time: String(time + 1), type: "ok" },
        ];
      },
      "owner",
    ));
});
