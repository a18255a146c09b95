import { expect, test } from "vitest";
import { PermissionType, type Permission } from "@quorumkit/proto";
import { PermissionRanges, isPermissionRange } from "../../src/embedded/auth/permission-ranges.ts";

const { READ, WRITE, READWRITE } = PermissionType;

function permission(permType: PermissionType, key: string, rangeEnd = ""): Permission {
  return { permType, key: Buffer.from(key), rangeEnd: Buffer.from(rangeEnd) };
}

function span(key: string, rangeEnd = ""): [Buffer, Buffer] {
  return [Buffer.from(key), Buffer.from(rangeEnd)];
}

const ranges = new PermissionRanges([
  permission(READWRITE, "x", "\0"),
  permission(READ, "b", "d"),
  permission(READWRITE, "a", "b"),
  permission(WRITE, "b", "c"),
  permission(READ, "m"),
  permission(READ, "m\0"),
]);

test.each([
  [span("a"), true],
  [span("a", "b"), true],
  [span("a", "d"), true],
  [span("a", "d\0"), false],
  [span("a", "\0"), false],
  [span("c", "c\0"), true],
  [span("d"), false],
  [span("Z", "b"), false],
  [span("x", "\0"), true],
  [span("xyz", "\0"), true],
  [span("w", "\0"), false],
  [span("zz", "zzz"), true],
  [span("m"), true],
  [span("m", "m\0\0"), true],
  [span("m", "n"), false],
  [span("\0", "\0"), false],
  [span("c", "a"), true],
  [span("e", "a"), false],
])("permissions of several ranges cover %s together: %s", (asked, expected) => {
  expect(ranges.mayRead(...asked)).toBe(expected);
});

test.each([
  [span("a", "c"), true],
  [span("a", "d"), false],
  [span("m"), false],
  [span("x"), true],
])("what may be read may not be written: %s, %s", (asked, expected) => {
  expect(ranges.mayWrite(...asked)).toBe(expected);
});

test("no permission allows nothing", () => {
  const none = new PermissionRanges([]);
  expect(none.mayRead(...span("a"))).toBe(false);
  expect(none.mayWrite(...span("\0", "\0"))).toBe(false);
});

test("the permission from the first key on covers all keys", () => {
  const all = new PermissionRanges([permission(READWRITE, "\0", "\0")]);
  expect(all.mayRead(...span("\0", "\0"))).toBe(true);
  expect(all.mayWrite(...span("\xff\xff", "\0"))).toBe(true);
});

test.each([
  [span("a"), true],
  [span("a", "b"), true],
  [span("a", "\0"), true],
  [span("b", "a"), false],
  [span("b", "b"), false],
  [span(""), false],
  [span("", "\0"), false],
])("whether a permission may have the range %s: %s", (asked, expected) => {
  expect(isPermissionRange(...asked)).toBe(expected);
});
