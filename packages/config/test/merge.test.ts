import { describe, expect, test } from "vitest";
import { mergeLayers } from "../src/merge.ts";

describe("layers laid over each other", () => {
  test("a later layer wins, key by key and at every depth", () => {
    const merged = mergeLayers([
      { host: "a", pool: { min: 1, max: 5 }, log: "info" },
      { pool: { max: 50 } },
      { host: "c", pool: { idle: 3 } },
    ]);
    expect(merged).toEqual({ host: "c", pool: { min: 1, max: 50, idle: 3 }, log: "info" });
  });

  test("arrays, null and scalars replace what is below them, and are replaced", () => {
    expect(
      mergeLayers([
        { a: [1, 2], b: { c: 1 }, d: 1 },
        { a: [3], b: null, d: { e: 1 } },
      ]),
    ).toEqual({
      a: [3],
      b: null,
      d: { e: 1 },
    });
    expect(mergeLayers([{ a: 1 }, 7])).toBe(7);
    expect(mergeLayers([null, { a: 1 }])).toEqual({ a: 1 });
    expect(mergeLayers([[1], { a: 1 }])).toEqual({ a: 1 });
  });

  test("leaves its inputs alone", () => {
    const lower = Object.freeze({ pool: Object.freeze({ max: 1 }) });
    expect(mergeLayers([lower, { pool: { max: 2 } }])).toEqual({ pool: { max: 2 } });
    expect(lower).toEqual({ pool: { max: 1 } });
  });

  test('a stored "__proto__" is a key like any other', () => {
    const merged = mergeLayers([
      JSON.parse('{"__proto__":{"a":1},"constructor":{"prototype":{"x":1}}}'),
      JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'),
    ]) as object;
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect(Object.getPrototypeOf(merged)).toBe(Object.prototype);
    expect(Object.getOwnPropertyDescriptor(merged, "__proto__")?.value).toEqual({ a: 1, polluted: true });
  });
});
