import { inspect } from "node:util";
import { EtcdClient } from "@quorumkit/core";
import { startEtcd, type EtcdServer } from "@quorumkit/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { answerOf } from "./support/answer-of.ts";
import { isAtLeast } from "./support/server-version.ts";

const PASSWORD = "correct-horse-battery";

let server: EtcdServer;
let etcd: EtcdClient;
beforeAll(async () => {
  server = await startEtcd();
  etcd = new EtcdClient({ endpoints: server.endpoints });
});
afterAll(async () => {
  await etcd.close();
  await server.close();
});

describe("users and roles", () => {
  it("are added, listed, looked at and deleted", async () => {
    await etcd.auth.userAdd("ann", { password: PASSWORD });
    await etcd.auth.userAdd("certificate", { noPassword: true });
    await etcd.auth.roleAdd("reader");
    await etcd.auth.userGrantRole("ann", "reader");
    expect(await etcd.auth.userList()).toEqual(["ann", "certificate"]);
    expect(await etcd.auth.roleList()).toEqual(["reader"]);
    expect(await etcd.auth.userGet("ann")).toEqual({ name: "ann", roles: ["reader"] });
    await etcd.auth.userRevokeRole("ann", "reader");
    expect(await etcd.auth.userGet("ann")).toEqual({ name: "ann", roles: [] });
    await etcd.auth.userDelete("ann");
    await etcd.auth.userDelete("certificate");
    await etcd.auth.roleDelete("reader");
    expect(await etcd.auth.userList()).toEqual([]);
    expect(await etcd.auth.roleList()).toEqual([]);
  });

  it("have permissions for keys, prefixes and intervals, which are taken back as they are shown", async () => {
    await etcd.auth.roleAdd("keys");
    await etcd.auth.roleGrantPermission("keys", "one", "read");
    await etcd.auth.roleGrantPermission("keys", { prefix: "many/" }, "readwrite");
    await etcd.auth.roleGrantPermission("keys", { from: "a", to: "m" }, "write");
    await etcd.auth.roleGrantPermission("keys", { from: "x" }, "read");
    await etcd.auth.roleGrantPermission("keys", { prefix: "" }, "read");
    // As etcdctl understands them.
    const shown = await server.etcdctl(["role", "get", "keys"]);
    expect(shown).toMatch(/one/);
    expect(shown).toMatch(/\[many\/, many0\) \(prefix many\/\)/);

    const { permissions } = await etcd.auth.roleGet("keys");
    const readable = permissions.map(({ access, range }) => [access, text(range)]);
    expect(new Set(readable)).toEqual(
      new Set([
        ["read", "one"],
        ["readwrite", { prefix: "many/" }],
        ["write", { from: "a", to: "m" }],
        ["read", { from: "x" }],
        ["read", { prefix: "" }],
      ]),
    );
    for (const { range } of permissions) await etcd.auth.roleRevokePermission("keys", range);
    expect((await etcd.auth.roleGet("keys")).permissions).toEqual([]);
    await expect(etcd.auth.roleRevokePermission("keys", "one")).rejects.toMatchObject({
      code: "FAILED_PRECONDITION",
      outcome: "notApplied",
    });
    await etcd.auth.roleDelete("keys");
  });

  it("say what is there already and what is not", async () => {
    await etcd.auth.userAdd("bob", { password: PASSWORD });
    await etcd.auth.roleAdd("role");
    const refused = { outcome: "notApplied" };
    const exists = { ...refused, code: "ALREADY_EXISTS" };
    await expect(etcd.auth.userAdd("bob", { password: PASSWORD })).rejects.toMatchObject(exists);
    await expect(etcd.auth.roleAdd("role")).rejects.toMatchObject(exists);
    await expect(etcd.auth.userGet("nobody")).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(etcd.auth.roleGet("nothing")).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(etcd.auth.userDelete("nobody")).rejects.toMatchObject({ ...refused, code: "NOT_FOUND" });
    await expect(etcd.auth.userGrantRole("bob", "nothing")).rejects.toMatchObject({
      ...refused,
      code: "NOT_FOUND",
    });
    await expect(etcd.auth.userRevokeRole("bob", "role")).rejects.toMatchObject({
      ...refused,
      code: "FAILED_PRECONDITION",
    });
    await etcd.auth.userDelete("bob");
    await etcd.auth.roleDelete("role");
  });

  it("show no password, whatever goes wrong", async () => {
    await etcd.auth.userAdd("eve", { password: PASSWORD });
    await using nowhere = new EtcdClient({ endpoints: "127.0.0.1:1", timeoutMs: 300 });
    const failures = await Promise.allSettled([
      etcd.auth.userAdd("eve", { password: PASSWORD }),
      etcd.auth.userAdd("mallory", { password: PASSWORD, noPassword: true } as never),
      etcd.auth.userAdd("mallory", { password: [PASSWORD] } as never),
      etcd.auth.userAdd("mallory", { password: PASSWORD, noPassword: PASSWORD.length } as never),
      etcd.auth.userAdd("mallory", { password: PASSWORD, admin: true } as never),
      etcd.auth.userChangePassword("nobody", PASSWORD),
      etcd.auth.userChangePassword("eve", { password: PASSWORD } as never),
      etcd.auth.userChangePassword("eve", PASSWORD, { timeoutMs: -1 }),
      etcd.auth.userChangePassword("eve", PASSWORD, { signal: AbortSignal.abort() }),
      nowhere.auth.userAdd("eve", { password: PASSWORD }),
      nowhere.auth.userChangePassword("eve", PASSWORD),
    ]);
    for (const failure of failures) {
      expect(failure.status).toBe("rejected");
      const { reason } = failure as PromiseRejectedResult;
      expect(inspect(reason, { depth: Infinity, showHidden: true })).not.toContain(PASSWORD);
      expect(String((reason as Error).stack)).not.toContain(PASSWORD);
    }
    expect(inspect(etcd.auth, { depth: Infinity, showHidden: true })).not.toContain(PASSWORD);
    await etcd.auth.userDelete("eve");
  });

  it("refuse wrong input by name", async () => {
    await expect(etcd.auth.userAdd("x", {} as never)).rejects.toThrow(/password must be given/);
    await expect(etcd.auth.userAdd("x", { password: "" })).rejects.toThrow(/password must not be empty/);
    await expect(etcd.auth.userAdd("", { password: "x" })).rejects.toThrow(/user must be a non-empty string/);
    await expect(etcd.auth.roleAdd("")).rejects.toThrow(/role must be a non-empty string/);
    await expect(etcd.auth.roleGrantPermission("x", "key", "all" as "read")).rejects.toThrow(
      /access must be one of read, write, readwrite, received "all"/,
    );
    await expect(etcd.auth.roleGrantPermission("x", "", "read")).rejects.toThrow(/range must not be empty/);
  });
});

// The last ones: they leave a server that wants logins.
describe("authentication", () => {
  it("is not enabled before there is a root", async () => {
    const hasStatus = isAtLeast(server, "3.5");
    expect(await answerOf(etcd.auth.status())).toBe(hasStatus ? "ok" : "UNIMPLEMENTED");
    expect(await enabled()).toBe(hasStatus ? false : undefined);
    await expect(etcd.auth.enable()).rejects.toMatchObject({
      code: "FAILED_PRECONDITION",
      outcome: "notApplied",
    });
    await etcd.auth.disable();
  });

  it("counts once it is enabled, and a changed password with it", async () => {
    await etcd.auth.userAdd("root", { password: "first" });
    await etcd.auth.roleAdd("root");
    await etcd.auth.userGrantRole("root", "root");
    await etcd.auth.userChangePassword("root", PASSWORD);
    await etcd.auth.enable();
    await expect(etcd.put("a", "1")).rejects.toMatchObject({
      code: expect.stringMatching(/UNAUTHENTICATED|INVALID_ARGUMENT/) as string,
      outcome: "notApplied",
    });
    await expect(etcd.auth.disable()).rejects.toMatchObject({ outcome: "notApplied" });
    await expect(server.etcdctl(["--user=root:first", "auth", "disable"])).rejects.toThrow(
      /authentication failed/,
    );
    await server.etcdctl([`--user=root:${PASSWORD}`, "auth", "disable"]);
    await etcd.put("a", "1");
  });
});

/** Whether logins are needed; undefined where the server does not tell (before 3.5). */
async function enabled(): Promise<boolean | undefined> {
  return etcd.auth.status().then(
    (status) => status.enabled,
    () => undefined,
  );
}

function text(range: unknown): unknown {
  if (range instanceof Uint8Array) return Buffer.from(range).toString();
  return Object.fromEntries(Object.entries(range as object).map(([name, value]) => [name, text(value)]));
}
