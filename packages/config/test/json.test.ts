import { describe, expect, test } from "vitest";
import { parseJson, toJson } from "../src/json.ts";

describe("reading a stored value", () => {
  test("gives the value", () => {
    expect(parseJson(Buffer.from('{"a":[1,null]}'))).toEqual({ value: { a: [1, null] } });
  });

  test.each([
    ["text that is not JSON", Buffer.from("password=hunter2")],
    ["JSON that is cut off", Buffer.from('{"password":"hunter2"')],
    ["nothing", Buffer.alloc(0)],
    ["bytes that are not UTF-8", Buffer.from([0x22, 0xff, 0x22])],
  ])("says what is wrong with %s, and does not quote it", (_, bytes) => {
    const result = parseJson(bytes);
    expect(result).toEqual({ problem: expect.stringMatching(/^the stored value is /) });
    expect(JSON.stringify(result)).not.toMatch(/hunter2|password/);
  });
});

describe("writing a value", () => {
  test("gives JSON", () => {
    expect(toJson({ a: [1, null, true, "x"], b: {} }, "value")).toBe('{"a":[1,null,true,"x"],"b":{}}');
  });

  test.each<[unknown, string]>([
    [undefined, "value must be a JSON value, received undefined"],
    [{ a: { b: undefined } }, "value.a.b must be a JSON value, received undefined"],
    [{ a: [1, Number.NaN] }, "value.a[1] must be a JSON value, received NaN"],
    [{ at: new Date(0) }, "value.at must be a JSON value, received an object of type Date"],
    [{ map: new Map() }, "value.map must be a JSON value, received an object of type Map"],
    [{ run: () => 1 }, "value.run must be a JSON value, received a function"],
  ])("refuses %o", (value, message) => {
    expect(() => toJson(value, "value")).toThrow(new TypeError(message));
  });

  test("refuses bigint and cycles with a TypeError too", () => {
    expect(() => toJson({ n: 1n }, "value")).toThrow(TypeError);
    const loop: { self?: unknown } = {};
    loop.self = loop;
    expect(() => toJson(loop, "value")).toThrow(TypeError);
  });
});
