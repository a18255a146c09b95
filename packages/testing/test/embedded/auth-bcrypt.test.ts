import { expect, test } from "vitest";
import { acceptHash } from "../../src/embedded/auth/password.ts";

const base64 = (hash: string): string => Buffer.from(hash).toString("base64");

// Made by other programs: crypt(3), and the test vectors of Go's x/crypto.
const HASHES: readonly (readonly [password: string, hash: string])[] = [
  ["secret", "$2b$04$OLSjGmdF8gUVM2NRww155.i79MFkaY0DvFiaQhx.CVvCACpHNLyj."],
  ["", "$2b$04$OLSjGmdF8gUVM2NRww155.ZgzbFGaZF2KGRDrZOVTZwN4GhZMQDbG"],
  ["a", "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe"],
  ["abcdefghijklmnopqrstuvwxyz", "$2a$10$fVH8e28OQRj9tqiDXs1e1uxpsjN0c7II7YPKXua2NAKYvM6iQk7dq"],
  ["allmine", "$2a$10$XajjQvNhvvRt5GSeFk1xFeyqRrsxkhBkUiQeg0dt.wU1qD4aFDcga"],
];

test.each(HASHES)("a bcrypt hash fits the password %j and no other", (password, hash) => {
  const isPassword = acceptHash(base64(hash));
  expect(isPassword(password)).toBe(true);
  expect(isPassword(`${password}x`)).toBe(false);
});

test("only the first 72 bytes of a password count", () => {
  const isPassword = acceptHash(base64("$2b$04$OLSjGmdF8gUVM2NRww155.nj/bFQbsCq2.lOSJ09vEK3kqCAkNs6y"));
  expect(isPassword("pä".repeat(30))).toBe(true);
  expect(isPassword("pä".repeat(24))).toBe(true);
  expect(isPassword("pä".repeat(23))).toBe(false);
});

test.each(["", "secret", "$2a$04$short", "$2a$03$OLSjGmdF8gUVM2NRww155.i79MFkaY0DvFiaQhx.CVvCACpHNLyj."])(
  "no password fits what is not a bcrypt hash: %j",
  (text) => {
    expect(acceptHash(base64(text))("secret")).toBe(false);
  },
);
