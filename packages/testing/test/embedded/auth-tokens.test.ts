import { Metadata, status } from "@grpc/grpc-js";
import { beforeEach, expect, test } from "vitest";
import { AuthStore } from "../../src/embedded/auth/auth-store.ts";
import { StatusError } from "../../src/embedded/errors.ts";

const MEMBERS = [1n, 2n] as const;
const [ONE, TWO] = MEMBERS;
const TTL_MS = 300_000;

let now: number;
let auth: AuthStore;

beforeEach(() => {
  now = 1_000;
  auth = new AuthStore({ clock: { now: () => now } });
  addUser("root", "r");
  auth.grantRole("root", "root");
  addUser("alice", "a");
  auth.addRole("reader");
  auth.grantPermission("reader", { permType: 0, key: Buffer.from("a"), rangeEnd: Buffer.from("b") });
  auth.grantRole("alice", "reader");
  auth.enable();
});

function addUser(name: string, password: string): void {
  auth.addUser({ name, password, options: null, hashedPassword: "" });
}

function metadata(token: string, name = "token"): Metadata {
  const result = new Metadata();
  result.set(name, token);
  return result;
}

function userOf(token: string, member: bigint = ONE): string | undefined {
  return auth.identify(metadata(token), member)?.user;
}

function failure(work: () => unknown): { code: status; details: string } {
  try {
    work();
  } catch (error) {
    if (error instanceof StatusError) return { code: error.code, details: error.details };
    throw error;
  }
  throw new Error("did not fail");
}

const INVALID = { code: status.UNAUTHENTICATED, details: "etcdserver: invalid auth token" };

test("a token is 16 letters, a dot and a number, and each login gives another one", () => {
  const tokens = Array.from({ length: 50 }, () => auth.authenticate("alice", "a"));
  for (const token of tokens) expect(token).toMatch(/^[A-Za-z]{16}\.\d+$/);
  expect(new Set(tokens).size).toBe(tokens.length);
  for (const token of tokens) expect(userOf(token)).toBe("alice");
});

test("a token counts under both names, with and without Bearer; the name token wins", () => {
  const token = auth.authenticate("alice", "a");
  expect(auth.identify(metadata(token, "authorization"))?.user).toBe("alice");
  expect(auth.identify(metadata(`Bearer ${token}`, "authorization"))?.user).toBe("alice");
  expect(auth.identify(metadata(`Bearer ${token}`))?.user).toBe("alice");
  const both = metadata("nonsense");
  both.set("authorization", token);
  expect(failure(() => auth.identify(both))).toEqual(INVALID);
});

test("no token is nobody; while authentication is off, any token is nobody", () => {
  expect(auth.identify(new Metadata())).toBeUndefined();
  auth.disable();
  expect(auth.identify(metadata("nonsense"))).toBeUndefined();
});

test("a token expires when it was not used for 300 s of the clock, and each use gives it its whole time again", () => {
  const token = auth.authenticate("alice", "a");
  for (let use = 0; use < 5; use++) {
    now += TTL_MS;
    expect(userOf(token)).toBe("alice");
  }
  now += TTL_MS + 1;
  expect(failure(() => userOf(token))).toEqual(INVALID);
  now -= 1_000;
  expect(userOf(auth.authenticate("alice", "a"))).toBe("alice");
});

test("a use on one member does not renew the token on another one", () => {
  const token = auth.authenticate("alice", "a");
  now += TTL_MS;
  expect(userOf(token, ONE)).toBe("alice");
  now += 1;
  expect(userOf(token, ONE)).toBe("alice");
  expect(failure(() => userOf(token, TWO))).toEqual(INVALID);
  expect(userOf(token, ONE)).toBe("alice");
});

test("a token's time can be chosen, and is checked", () => {
  const clock = { now: () => now };
  expect(() => new AuthStore({ clock, tokenTtlSeconds: 0 })).toThrow(
    new TypeError("tokenTtlSeconds must be a number above 0, got 0"),
  );
  auth = new AuthStore({ clock, tokenTtlSeconds: 5 });
  addUser("root", "r");
  auth.grantRole("root", "root");
  auth.enable();
  const token = auth.authenticate("root", "r");
  now += 5_000;
  expect(userOf(token)).toBe("root");
  now += 5_001;
  expect(failure(() => userOf(token))).toEqual(INVALID);
});

test("a member that starts again forgets all tokens, and knows those that are given later", () => {
  const before = auth.authenticate("alice", "a");
  auth.forgetTokens(ONE);
  const after = auth.authenticate("alice", "a");
  expect(failure(() => userOf(before, ONE))).toEqual(INVALID);
  expect(userOf(before, TWO)).toBe("alice");
  expect(userOf(after, ONE)).toBe("alice");
});

test("all tokens can be made to expire at once", () => {
  const tokens = [auth.authenticate("alice", "a"), auth.authenticate("root", "r")];
  auth.expireTokens();
  for (const token of tokens) {
    for (const member of MEMBERS) expect(failure(() => userOf(token, member))).toEqual(INVALID);
  }
  expect(userOf(auth.authenticate("alice", "a"))).toBe("alice");
});

test.each([
  ["a new password", (): void => auth.changePassword({ name: "alice", password: "b", hashedPassword: "" })],
  ["the end of the user", (): void => auth.deleteUser("alice")],
  [
    "the end of authentication",
    (): void => {
      auth.disable();
      auth.enable();
    },
  ],
])("%s ends the user's tokens", (_, change) => {
  const token = auth.authenticate("alice", "a");
  change();
  expect(failure(() => userOf(token))).toEqual(INVALID);
});

test("what a role allows changes under a token that stays good", () => {
  const token = auth.authenticate("alice", "a");
  const span = { key: Buffer.from("a"), rangeEnd: Buffer.from("") };
  const read = (): void => auth.access(auth.identify(metadata(token), ONE)).read(span);
  read();
  auth.revokeRole("alice", "reader");
  expect(failure(read)).toEqual({ code: status.PERMISSION_DENIED, details: "etcdserver: permission denied" });
  auth.grantRole("alice", "reader");
  read();
  auth.deleteRole("reader");
  expect(failure(read).code).toBe(status.PERMISSION_DENIED);
});

test("who was identified before a change of users or roles has an old revision of them", () => {
  const access = auth.access(auth.identify(metadata(auth.authenticate("alice", "a")), ONE));
  const span = { key: Buffer.from("a"), rangeEnd: Buffer.from("") };
  access.read(span);
  auth.addRole("another");
  const old = { code: status.INVALID_ARGUMENT, details: "etcdserver: revision of auth store is old" };
  expect(failure(() => access.read(span))).toEqual(old);
  expect(failure(() => access.write(span))).toEqual(old);
});

test("an access of before authentication was turned off allows everything after", () => {
  const access = auth.access(auth.identify(metadata(auth.authenticate("alice", "a")), ONE));
  auth.disable();
  expect(() => access.write({ key: Buffer.from("z"), rangeEnd: Buffer.from("") })).not.toThrow();
});

test("a cleared store is as that of a new cluster", () => {
  const token = auth.authenticate("alice", "a");
  auth.clear();
  expect(auth.enabled).toBe(false);
  expect(auth.revision).toBe(1n);
  expect(auth.userNames()).toEqual([]);
  expect(auth.roleNames()).toEqual([]);
  addUser("root", "r");
  auth.grantRole("root", "root");
  auth.enable();
  expect(failure(() => userOf(token))).toEqual(INVALID);
});
