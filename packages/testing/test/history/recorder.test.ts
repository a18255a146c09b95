import { describe, expect, it } from "vitest";
import { type HistoryEvent, HistoryRecorder, readHistory } from "../../src/history/index.ts";

function recorder(process = "p"): {
  recorder: HistoryRecorder;
  lines: string[];
  events: () => HistoryEvent[];
} {
  const lines: string[] = [];
  return {
    recorder: new HistoryRecorder({ process, write: (line) => lines.push(line) }),
    lines,
    events: () => lines.map((line) => JSON.parse(line) as HistoryEvent),
  };
}

describe("a recorder", () => {
  it("writes a line when an operation begins and one when it is over", () => {
    const { recorder: recording, events } = recorder();
    const pending = recording.invoke("write", { key: "a", value: 1 });
    expect(events()).toMatchObject([
      { process: "p", id: 1, type: "invoke", op: "write", key: "a", value: 1 },
    ]);
    expect(recording.pending).toBe(1);
    pending.ok("done");
    expect(events()[1]).toMatchObject({
      process: "p",
      id: 1,
      type: "ok",
      op: "write",
      key: "a",
      value: "done",
    });
    expect(recording.pending).toBe(0);
  });

  it("takes the time of each line when it is told, on the clock all processes share", () => {
    const { recorder: recording, events } = recorder();
    const before = process.hrtime.bigint();
    const pending = recording.invoke("read");
    const between = process.hrtime.bigint();
    pending.ok();
    const [invoked, completed] = events().map(({ time }) => BigInt(time)) as [bigint, bigint];
    expect(invoked >= before && invoked <= between && completed >= between).toBe(true);
  });

  it("tells the three outcomes apart, and has notes", () => {
    const { recorder: recording, events } = recorder();
    recording.invoke("a").ok();
    recording.invoke("a").fail("refused");
    recording.invoke("a").unknown("timed out");
    recording.note("lost", { key: "k", value: { token: 7n } });
    expect(events().map(({ type }) => type)).toEqual([
      "invoke",
      "ok",
      "invoke",
      "fail",
      "invoke",
      "info",
      "note",
    ]);
    expect(events().at(-1)).toMatchObject({ key: "k", value: { token: "7" } });
  });

  it("refuses to complete what is complete", () => {
    const { recorder: recording, lines } = recorder();
    const pending = recording.invoke("a");
    pending.unknown();
    expect(() => pending.ok()).toThrow("p#1 a was completed twice: info, then ok");
    expect(lines).toHaveLength(2);
  });

  it("throws when a completion cannot be stored, and from then on", () => {
    let full = false;
    const recording = new HistoryRecorder({
      process: "p",
      write: () => {
        if (full) throw new Error("ENOSPC");
      },
    });
    const pending = recording.invoke("write");
    full = true;
    expect(() => pending.ok()).toThrow("p#1 ok write could not be recorded: Error: ENOSPC");
    expect(recording.broken).toBe(true);
    full = false;
    expect(() => pending.ok()).toThrow("has a hole");
    expect(() => recording.invoke("write")).toThrow("The history of p has a hole: Error: ENOSPC");
    expect(() => recording.note("lost")).toThrow("has a hole");
  });

  it("throws for a value that is not JSON rather than leave the completion out", () => {
    const { recorder: recording } = recorder();
    const circle: Record<string, unknown> = {};
    circle["self"] = circle;
    const pending = recording.invoke("read");
    expect(() => pending.ok(circle)).toThrow("could not be recorded");
    expect(recording.broken).toBe(true);
  });

  it.each([
    [{ process: "", write: () => {} }, 'option "process"'],
    [{ process: "p" }, 'option "write"'],
  ])("refuses %j", (options, message) => {
    expect(() => new HistoryRecorder(options as never)).toThrow(message);
  });

  it("writes lines that the reader merges", () => {
    const [one, two] = [recorder("one"), recorder("two")];
    const pending = one.recorder.invoke("write", { key: "a" });
    two.recorder.invoke("read", { key: "a" }).ok(null);
    pending.ok();
    const { events } = readHistory({ name: "one", lines: one.lines }, { name: "two", lines: two.lines });
    expect(events.map(({ source }) => source)).toEqual(["one:1", "two:1", "two:2", "one:2"]);
  });
});
