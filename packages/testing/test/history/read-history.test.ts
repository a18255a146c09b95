import { describe, expect, it } from "vitest";
import { type History, HistoryError, type HistoryProblem, readHistory } from "../../src/history/index.ts";

const event = (fields: object): string =>
  JSON.stringify({ time: "1", process: "p", id: 1, type: "invoke", op: "read", key: "a", ...fields });
const from = (...lines: readonly string[]): History =>
  readHistory({ name: "p.jsonl", lines: [...lines, ""] });

function problemOf(...lines: readonly string[]): { problem: HistoryProblem; source: string } {
  try {
    from(...lines);
  } catch (error) {
    if (error instanceof HistoryError) return error;
    throw error;
  }
  throw new Error("It was read");
}

describe("reading", () => {
  it("merges by time, whatever the number of digits, and keeps the order within a moment", () => {
    const { events } = readHistory(
      {
        name: "a",
        lines: [event({ process: "a", time: "9" }), event({ process: "a", time: "100", type: "ok" })],
      },
      {
        name: "b",
        lines: [event({ process: "b", time: "10" }), event({ process: "b", time: "10", type: "ok" })],
      },
    );
    expect(events.map(({ source }) => source)).toEqual(["a:1", "b:1", "b:2", "a:2"]);
  });

  it("tells what is pending", () => {
    const { pending } = from(event({ id: 1 }), event({ id: 2 }), event({ id: 1, type: "info" }));
    expect(pending.map(({ id }) => id)).toEqual([2]);
  });

  it("does not mind empty lines, and counts them", () => {
    expect(from(event({}), "", event({ type: "ok" })).events.at(-1)?.source).toBe("p.jsonl:3");
  });
});

describe("a history that is none is refused, by its line:", () => {
  it.each<[HistoryProblem, string, number, string[]]>([
    ["notJson", "half a line", 1, ['{"time":', event({})]],
    ["notAnEvent", "a number", 1, ["7"]],
    ["notAnEvent", "a list", 1, ["[]"]],
    ["notAnEvent", "null", 1, ["null"]],
    ["notAnEvent", "a time that is a number", 1, [event({ time: 7 })]],
    ["notAnEvent", "no process", 1, [event({ process: "" })]],
    ["notAnEvent", "a broken id", 1, [event({ id: 1.5 })]],
    ["notAnEvent", "another type", 1, [event({ type: "done" })]],
    ["notAnEvent", "no op", 1, [event({ op: undefined })]],
    ["notAnEvent", "a key that is a number", 1, [event({ key: 7 })]],
    ["invokedTwice", "an id again", 2, [event({}), event({})]],
    ["invokedTwice", "an id again, later", 3, [event({}), event({ type: "ok" }), event({})]],
    ["completedTwice", "a completion again", 3, [event({}), event({ type: "ok" }), event({ type: "ok" })]],
    ["completedTwice", "another outcome", 3, [event({}), event({ type: "info" }), event({ type: "ok" })]],
    ["notInvoked", "a completion alone", 1, [event({ type: "ok" })]],
    ["notInvoked", "a completion before", 1, [event({ type: "ok" }), event({})]],
    ["mismatched", "another op", 2, [event({}), event({ type: "ok", op: "write" })]],
    ["mismatched", "another key", 2, [event({}), event({ type: "ok", key: "b" })]],
    ["timeWentBack", "a clock that went back", 2, [event({ time: "10" }), event({ time: "9", type: "ok" })]],
  ])("%s: %s", (problem, _, line, lines) => {
    expect(problemOf(...lines)).toMatchObject({ problem, source: `p.jsonl:${line}` });
  });

  it("also when two processes have the same name", () => {
    const lines = [event({})];
    expect(() => readHistory({ name: "a", lines }, { name: "b", lines })).toThrow(
      "b:1: p#1 was invoked before, in a:1",
    );
  });
});
