import { describe, expect, test } from "vitest";
import { frozenCopy } from "../src/freeze.ts";

describe("a frozen copy", () => {
  test("is frozen at every depth, and leaves the original free", () => {
    const original = { pool: { hosts: ["a", { name: "b" }] } };
    const copy = frozenCopy(original) as typeof original;
    expect(copy).toEqual(original);
    expect(() => (copy.pool.hosts[0] = "x")).toThrow(TypeError);
    expect(() => Object.assign(copy.pool.hosts[1] as object, { name: "x" })).toThrow(TypeError);
    expect(Object.isFrozen(original.pool.hosts)).toBe(false);
  });

  test("takes other objects over as they are", () => {
    const at = new Date();
    const bytes = new Uint8Array(2);
    const copy = frozenCopy({ at, bytes }) as { at: Date; bytes: Uint8Array };
    expect(copy.at).toBe(at);
    expect(copy.bytes).toBe(bytes);
  });

  test("refuses what contains itself", () => {
    const loop: { self?: unknown } = {};
    loop.self = loop;
    expect(() => frozenCopy(loop)).toThrow("nested deeper than 200 levels");
  });
});
