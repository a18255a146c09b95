import { Emitter } from "@quorumkit/core/internal";
import { expect, onTestFinished, test, vi } from "vitest";

type Events = { news: [text: string, count: number]; other: [] };

/** Takes what the process would die of. */
function uncaught(): unknown[] {
  const seen: unknown[] = [];
  const before = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", (error) => seen.push(error));
  onTestFinished(() => {
    process.removeAllListeners("uncaughtException");
    for (const each of before) process.on("uncaughtException", each);
  });
  return seen;
}

test("calls every listener, and throws what some threw afterwards, in order", async () => {
  const errors = uncaught();
  const emitter = new Emitter<Events>();
  const heard: string[] = [];
  emitter.on("news", (text, count) => heard.push(`a ${text} ${count}`));
  for (const name of ["first", "second"]) {
    emitter.on("news", () => {
      heard.push(name);
      throw new Error(name);
    });
  }
  emitter.once("news", () => {
    throw new Error("once");
  });
  emitter.on("news", (text) => heard.push(`b ${text}`));
  expect(emitter.emit("news", "x", 1)).toBe(true);
  expect(heard).toEqual(["a x 1", "first", "second", "b x"]);
  expect(errors).toEqual([]);
  await vi.waitFor(() => expect(errors).toHaveLength(3));
  expect(errors.map(String)).toEqual(["Error: first", "Error: second", "Error: once"]);
  expect(emitter.listenerCount("news")).toBe(4);
});

test("calls a listener of once one time, and one that is taken away no more", () => {
  const emitter = new Emitter<Events>();
  const heard: string[] = [];
  const often = (text: string): unknown => heard.push(`often ${text}`);
  const onlyOnce = (text: string): unknown => heard.push(`once ${text}`);
  emitter.on("news", often);
  emitter.once("news", onlyOnce);
  emitter.addListener("other", () => often("other"));
  expect(emitter.listeners("news")).toEqual([often, onlyOnce]);
  emitter.emit("news", "1", 1);
  emitter.emit("news", "2", 1);
  expect(heard).toEqual(["often 1", "once 1", "often 2"]);
  emitter.off("news", often);
  emitter.once("news", onlyOnce);
  emitter.removeListener("news", onlyOnce);
  expect(emitter.emit("news", "3", 1)).toBe(false);
  expect(heard).toHaveLength(3);
  expect(emitter.listenerCount("other")).toBe(1);
});

test("goes on when listeners come and go while it tells", () => {
  const emitter = new Emitter<Events>();
  const heard: string[] = [];
  const second = (): unknown => heard.push("second");
  emitter.on("news", () => {
    heard.push("first");
    emitter.off("news", second);
    emitter.once("news", () => heard.push("new"));
  });
  emitter.on("news", second);
  emitter.on("news", () => heard.push("third"));
  emitter.emit("news", "x", 1);
  // As with any emitter: who is there when it begins is told.
  expect(heard).toEqual(["first", "second", "third"]);
  emitter.emit("news", "x", 1);
  expect(heard.slice(3)).toEqual(["first", "third", "new"]);
});
