import { EventEmitter } from "node:events";
import { inspect } from "node:util";
import { startEtcd } from "@quorumkit/testing";
import { type AuthOptions, type ClientOptions, DIAGNOSTICS, EtcdClient } from "@quorumkit/core";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createUser, enableAuth, ROOT } from "./support/users.ts";

const WRONG_PASSWORD = "Not-The-Password-1234";
const TOKEN = "A-Token-Of-My-Own-5678";
const VALUE = "A-Value-Of-My-Own-9012";

/** Everything that a log line could show of something. */
function traces(value: unknown): string {
  const lines = [inspect(value, { depth: Infinity, showHidden: true, getters: true, maxStringLength: null })];
  for (let each = value; each instanceof Error; each = each.cause) lines.push(String(each), each.stack ?? "");
  try {
    lines.push(
      JSON.stringify(value, (_key, each: unknown) => (typeof each === "bigint" ? `${each}` : each)) ?? "",
    );
  } catch {
    // Circular, as many objects of grpc-js are.
  }
  return lines.join("\n");
}

async function readSnapshot(etcd: EtcdClient): Promise<void> {
  for await (const _ of etcd.maintenance.snapshot({ timeoutMs: 500 })) break;
}

function refusalOf(options: ClientOptions): unknown {
  try {
    return new EtcdClient(options);
  } catch (error) {
    return error;
  }
}

describe("secrets", () => {
  const heard: unknown[] = [];
  const listener = (message: unknown): void => void heard.push(message);
  const names = Object.values(DIAGNOSTICS).flatMap((name) => [
    name,
    // Of the one that is a tracing channel.
    ...["start", "asyncEnd", "error"].map((event) => `tracing:${name}:${event}`),
  ]);
  afterEach(() => {
    for (const name of names) unsubscribe(name, listener);
    heard.length = 0;
  });

  it("stand in no object, error, event or log", async () => {
    const logged: unknown[] = [];
    for (const method of ["log", "info", "warn", "error", "debug"] as const)
      vi.spyOn(console, method).mockImplementation((...args: unknown[]) => void logged.push(args));
    for (const name of names) subscribe(name, listener);
    const emit = vi.spyOn(EventEmitter.prototype, "emit");

    await using server = await startEtcd();
    await enableAuth(server);
    await createUser(server, "alice", WRONG_PASSWORD.slice(4));
    const seen: unknown[] = [];
    const note = (error: unknown): void => void seen.push(error);

    const auths: AuthOptions[] = [
      ROOT,
      { username: "alice", password: WRONG_PASSWORD.slice(4) },
      { username: "root", password: WRONG_PASSWORD },
      { username: "root", password: () => Promise.resolve(WRONG_PASSWORD) },
      { token: TOKEN },
      { token: () => TOKEN },
    ];
    for (const auth of auths) {
      await using etcd = new EtcdClient({ endpoints: server.endpoint, auth, timeoutMs: 2_000 });
      const watcher = etcd.watch("bob/key");
      watcher.on("state", (...args) => seen.push(args));
      const calls: Promise<unknown>[] = [
        etcd.put("bob/key", VALUE),
        etcd.txn().commit(),
        etcd.put("bob/key", VALUE, { lease: 1n }),
        etcd.get("bob/key", { timeoutMs: 1 }),
        etcd.openSession().then(async (session) => {
          seen.push(session);
          return session.close();
        }),
        readSnapshot(etcd),
        etcd.mirror({ prefix: "bob/" }, { timeoutMs: 300 }).then((mirror) => seen.push(mirror)),
        etcd.auth.userChangePassword("alice", WRONG_PASSWORD.slice(4)),
        etcd.auth.userAdd("alice", { password: WRONG_PASSWORD }),
        watcher.ready({ timeoutMs: 500 }),
      ];
      for (const each of await Promise.allSettled(calls)) if (each.status === "rejected") note(each.reason);
      seen.push(etcd, watcher);
      await server.etcdctl([`--user=root:${ROOT.password}`, "put", "bob/key", "1"]);
      await watcher.close();
    }
    expect(seen.length).toBeGreaterThan(30);
    expect(heard.length).toBeGreaterThan(30);
    for (const each of [...seen, ...heard, ...logged]) {
      const text = traces(each);
      for (const secret of [ROOT.password, WRONG_PASSWORD.slice(4), TOKEN])
        expect(text).not.toContain(secret);
      // Not a token of the server's either: sixteen letters, a dot, an index.
      expect(text).not.toMatch(/\b[a-zA-Z]{16}\.\d+\b/);
      expect(text).not.toContain(VALUE);
    }
    expect(emit.mock.calls.filter(([event]) => event === "warning")).toEqual([]);
  });

  it("are refused without being shown", () => {
    const cases: [unknown, RegExp][] = [
      ["root:secret", /auth: options must be an object, received "root:secret"|auth: options/],
      [{ user: "root" }, /auth: unknown option "user"; known are username, password, token/],
      [{}, /auth\.username must be a non-empty string, received undefined/],
      [{ username: "", password: "x" }, /auth\.username must be a non-empty string, received ""/],
      [{ username: "root" }, /auth\.password must be a string, received a value of type undefined/],
      [{ username: "root", password: "" }, /auth\.password must not be empty/],
      [
        { username: "root", password: 12345678 },
        /auth\.password must be a string, received a value of type number/,
      ],
      [{ username: "root", password: null }, /auth\.password must be a string, received null/],
      [{ username: "root", token: TOKEN }, /give a username and a password, or a token, not both/],
      [{ token: "" }, /auth\.token must not be empty/],
      [{ token: `${TOKEN}\n` }, /auth\.token must be of visible ASCII characters only/],
      [{ token: `${TOKEN} ü` }, /auth\.token must be of visible ASCII characters only/],
      [{ token: { toString: () => TOKEN } }, /auth\.token must be a string, received a value of type object/],
    ];
    for (const [auth, message] of cases) {
      const refusal = refusalOf({ endpoints: "a:1", auth: auth as AuthOptions });
      expect(refusal).toBeInstanceOf(TypeError);
      expect((refusal as Error).message).toMatch(message);
      expect((refusal as Error).message).not.toContain(TOKEN);
      expect((refusal as Error).message).not.toContain("12345678");
    }
  });
});
