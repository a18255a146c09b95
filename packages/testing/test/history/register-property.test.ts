import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkRegister, HistoryError, type HistoryEvent } from "../../src/history/index.ts";
import { choices } from "./support/simulate.ts";
import { simulateRegister } from "./support/simulate-register.ts";

const run = fc.record({ unknownPercent: fc.constantFrom(0, 5, 20), values: fc.constantFrom(0, 2, 5) });
const distinct = choices(5, 200).map((steps) => simulateRegister(steps, { unknownPercent: 5, values: 0 }));

/** The places of events for which something holds. */
function placesOf(events: readonly HistoryEvent[], wanted: (event: HistoryEvent) => boolean): number[] {
  return events.flatMap((event, index) => (wanted(event) ? [index] : []));
}
const isRead = ({ op, type }: HistoryEvent): boolean => op === "read" && type === "ok";

/** Breaks every history that has a place for it, at a place fast-check chooses, and wants it found out. */
function expectFoundOut(
  places: (events: readonly HistoryEvent[]) => number[],
  broken: (events: readonly HistoryEvent[], place: number) => HistoryEvent[],
): void {
  let broke = 0;
  fc.assert(
    fc.property(distinct, fc.nat(), (events, choice) => {
      const possible = places(events);
      const place = possible[choice % possible.length];
      fc.pre(place !== undefined);
      broke += 1;
      expect(checkRegister(broken(events, place)).outcome).toBe("violated");
    }),
    { numRuns: 200, maxSkipsPerRun: 100 },
  );
  expect(broke).toBeGreaterThanOrEqual(200);
}

describe("what a real register did", () => {
  it("passes, however its operations overlapped", () => {
    fc.assert(
      fc.property(choices(6, 300), run, (steps, how) => {
        expect(checkRegister(simulateRegister(steps, how))).toMatchObject({ outcome: "ok", violations: [] });
      }),
      { numRuns: 500 },
    );
  });

  it("fails with one read of what was never written", () =>
    expectFoundOut(
      (events) => placesOf(events, isRead),
      (events, place) =>
        events.map((event, index) => (index === place ? { ...event, value: "never" } : event)),
    ));

  it("fails with one read of what was overwritten before it began", () =>
    expectFoundOut(
      (events) => placesOf(events, isRead).filter((place) => overwritten(events, place) !== undefined),
      (events, place) =>
        events.map((event, index) =>
          index === place ? { ...event, value: overwritten(events, place) } : event,
        ),
    ));

  it("fails without a write that was read", () =>
    expectFoundOut(
      (events) => {
        const readValues = new Set(events.filter(isRead).map(({ value }) => value));
        return placesOf(
          events,
          ({ op, type, value }) => op === "write" && type === "invoke" && readValues.has(value),
        );
      },
      (events, place) => events.filter(({ id }) => id !== events[place]?.id),
    ));

  it("fails when a write that was read is said to have failed", () =>
    expectFoundOut(
      (events) => {
        const readValues = new Set(events.filter(isRead).map(({ value }) => value));
        const ids = new Set(
          events.filter(({ op, value }) => op === "write" && readValues.has(value)).map(({ id }) => id),
        );
        return placesOf(events, ({ id, type }) => type === "ok" && ids.has(id));
      },
      (events, place) =>
        events.map((event, index) => (index === place ? { ...event, type: "fail" as const } : event)),
    ));

  it("is no history with a completion twice", () => {
    fc.assert(
      fc.property(distinct, fc.nat(), (events, choice) => {
        const possible = placesOf(events, ({ type }) => type !== "invoke");
        const place = possible[choice % possible.length];
        fc.pre(place !== undefined);
        const doubled = events.toSpliced(place, 0, events[place] as HistoryEvent);
        expect(() => checkRegister(doubled)).toThrow(HistoryError);
      }),
    );
  });
});

/** A value whose write had returned before another write began that returned before this read began. */
function overwritten(events: readonly HistoryEvent[], place: number): unknown {
  const invokedAt = events.findIndex(({ id }) => id === events[place]?.id);
  const writes = events.slice(0, invokedAt).filter(({ op, type }) => op === "write" && type === "ok");
  const spans = writes.map(({ id }) => ({
    value: events.find((event) => event.id === id)?.value,
    from: events.findIndex((event) => event.id === id),
    to: events.findLastIndex((event) => event.id === id),
  }));
  return spans.find((a) => spans.some((b) => a.to < b.from))?.value;
}
