import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { HistoryError, HistoryRecorder, openHistoryFile, readHistory } from "../../src/history/index.ts";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "history-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function record(name: string): { path: string; recorder: HistoryRecorder; close: () => void } {
  const file = openHistoryFile(join(folder, name));
  return {
    path: file.path,
    recorder: new HistoryRecorder({ process: name, write: file.write }),
    close: () => file.close(),
  };
}

it("has each line in the file at once", () => {
  const { path, recorder, close } = record("p.jsonl");
  recorder.invoke("write", { key: "ä" });
  expect(readFileSync(path, "utf8").split("\n")).toHaveLength(2);
  close();
  expect(() => recorder.note("late")).toThrow(/could not be recorded: Error: .* is closed/);
});

it("never takes over another process's file", () => {
  record("p.jsonl").close();
  expect(() => openHistoryFile(join(folder, "p.jsonl"))).toThrow("EEXIST");
});

it("reads a file whose last line is torn, reports it, and counts its operation as pending", () => {
  const { path, recorder, close } = record("p.jsonl");
  recorder.invoke("write", { key: "a" }).ok();
  const whole = readFileSync(path).length;
  recorder.invoke("write", { key: "b" });
  const invoked = readFileSync(path).length;
  close();
  truncateSync(path, invoked - 10);
  const cut = readHistory(path);
  expect(cut.events).toHaveLength(2);
  expect(cut.torn).toMatchObject([{ source: "p.jsonl:3" }]);
  expect(cut.pending).toEqual([]);

  // The completion is torn, wherever it was cut.
  for (let size = readFileSync(path).length; size > whole; size--) {
    truncateSync(path, size);
    expect(readHistory(path).torn).toHaveLength(1);
  }
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  writeFileSync(path, `${lines[0]}\n${lines[1]?.slice(0, 20)}`);
  const { pending, torn } = readHistory(path);
  expect(torn).toMatchObject([{ source: "p.jsonl:2" }]);
  expect(pending).toMatchObject([{ op: "write", key: "a", source: "p.jsonl:1" }]);
});

it("refuses a broken line in the middle, or one that was ended", () => {
  const path = join(folder, "p.jsonl");
  const line = JSON.stringify({ time: "1", process: "p", id: 1, type: "note", op: "n" });
  writeFileSync(path, `${line}\n${line.slice(0, 9)}\n${line}\n`);
  expect(() => readHistory(path)).toThrow(HistoryError);
  expect(() => readHistory(path)).toThrow("p.jsonl:2: not JSON");
  writeFileSync(path, `${line}\n${line.slice(0, 9)}\n`);
  expect(() => readHistory(path)).toThrow("p.jsonl:2: not JSON");
});

it("loses nothing that was recorded by a process that is killed", async () => {
  const path = join(folder, "killed.jsonl");
  // What `write` does, in a process of its own: a line each, without a buffer.
  const script = `
    const { openSync, writeSync } = require("node:fs");
    const file = openSync(process.argv[1], "ax");
    let id = 0;
    const line = (type, id) => writeSync(file, JSON.stringify({ time: String(process.hrtime.bigint()), process: "killed", id, type, op: "write", key: "k", value: "x".repeat(200) }) + "\\n");
    for (;;) { line("invoke", ++id); line("ok", id); if (id === 2000) process.send("busy"); }`;
  const child = spawn(process.execPath, ["-e", script, path], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  await once(child, "message");
  child.kill("SIGKILL");
  await once(child, "exit");
  const { events, torn, pending } = readHistory(path);
  expect(events.length).toBeGreaterThanOrEqual(4_000);
  expect(torn.length + pending.length).toBeLessThanOrEqual(2);
  expect(events.at(-1)?.id).toBe(Math.ceil(events.length / 2));
});
