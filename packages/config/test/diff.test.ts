import { describe, expect, test } from "vitest";
import { changedPaths } from "../src/diff.ts";

describe("changed paths", () => {
  test("name each leaf that is other, new or gone", () => {
    const before = { host: "a", pool: { min: 1, max: 5 }, old: 1 };
    const after = { host: "b", pool: { min: 1, max: 6 }, fresh: { x: 1 } };
    expect(changedPaths(before, after)).toEqual([["host"], ["pool", "max"], ["fresh"], ["old"]]);
  });

  test("are none for equal values", () => {
    const value = { a: [1, { b: null }], c: { d: "x" }, at: new Date(5), u: new URL("http://a/"), n: NaN };
    const equal = { a: [1, { b: null }], c: { d: "x" }, at: new Date(5), u: new URL("http://a/"), n: NaN };
    expect(changedPaths(value, equal)).toEqual([]);
  });

  test("an array changes as a whole", () => {
    expect(changedPaths({ hosts: [{ a: 1 }, { a: 2 }] }, { hosts: [{ a: 1 }, { a: 3 }] })).toEqual([
      ["hosts"],
    ]);
    expect(changedPaths({ hosts: ["a"] }, { hosts: ["a", "b"] })).toEqual([["hosts"]]);
  });

  test("the root is the empty path", () => {
    expect(changedPaths(1, 2)).toEqual([[]]);
    expect(changedPaths(undefined, { a: 1 })).toEqual([[]]);
    expect(changedPaths({ a: 1 }, [1])).toEqual([[]]);
  });

  test("a key that holds undefined is not an absent one, and keys may contain dots", () => {
    expect(changedPaths({}, { "a.b": undefined })).toEqual([["a.b"]]);
  });

  test("what a schema made of the value is compared by what it is", () => {
    expect(changedPaths({ at: new Date(1) }, { at: new Date(2) })).toEqual([["at"]]);
    expect(changedPaths({ u: new URL("http://a/") }, { u: new URL("http://b/") })).toEqual([["u"]]);
    class Hidden {
      readonly #value: number;
      constructor(value: number) {
        this.#value = value;
      }
      get(): number {
        return this.#value;
      }
    }
    // Nothing can be seen of them, so they count as changed rather than as the same.
    expect(changedPaths({ h: new Hidden(1) }, { h: new Hidden(2) })).toEqual([["h"]]);
  });
});
