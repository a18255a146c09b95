import { setTimeout as sleep } from "node:timers/promises";
import { startEtcd, startEtcdCluster } from "@quorumkit/testing";
import { EtcdClient } from "@quorumkit/core";
import { describe, expect, it } from "vitest";
import { asRoot, createUser, enableAuth, loginCount, ROOT, tokenGone } from "./support/users.ts";

const SHORT_LIVED = ["--auth-token-ttl=1", "--log-level=debug"];

/** A hundred writes at once, each of a key of its own. */
async function putMany(etcd: EtcdClient, prefix: string): Promise<void> {
  await Promise.all(Array.from({ length: 100 }, async (_, index) => etcd.put(`${prefix}${index}`, "1")));
}

/** That each of them was applied, and once only. */
async function expectOnce(etcd: EtcdClient, prefix: string): Promise<void> {
  const { kvs, count } = await etcd.range({ prefix });
  expect(count).toBe(100n);
  expect(kvs.every(({ version }) => version === 1n)).toBe(true);
}

describe("a login with user and password", () => {
  it("happens once, before the first call, however many there are", async () => {
    await using server = await startEtcd();
    await enableAuth(server);
    const before = await loginCount(server);
    await using etcd = new EtcdClient({ endpoints: server.endpoint, auth: ROOT });
    await putMany(etcd, "key/");
    await expectOnce(etcd, "key/");
    expect((await loginCount(server)) - before).toBe(1);
  });

  it("happens once more when the token has expired, and no write is lost or made twice", async () => {
    await using server = await startEtcd({ args: SHORT_LIVED });
    await enableAuth(server);
    await using etcd = new EtcdClient({ endpoints: server.endpoint, auth: ROOT });
    await etcd.put("before", "1");
    await tokenGone(server);
    const before = await loginCount(server);
    await putMany(etcd, "key/");
    expect((await loginCount(server)) - before).toBe(1);
    await expectOnce(etcd, "key/");
  });

  it("happens once more when a restarted member has forgotten the token", async () => {
    await using server = await startEtcd();
    await enableAuth(server);
    await using etcd = new EtcdClient({ endpoints: server.endpoint, auth: ROOT });
    await etcd.put("before", "1");
    await server.restart();
    await putMany(etcd, "key/");
    // The restarted server counts from 0.
    expect(await loginCount(server)).toBe(1);
    await expectOnce(etcd, "key/");
  });

  it("is good for every member, also for one that has forgotten it", async () => {
    await using cluster = await startEtcdCluster(3);
    const [first, second] = cluster.members;
    if (first === undefined || second === undefined) throw new Error("unreachable");
    await enableAuth(first);
    await using etcd = new EtcdClient({ endpoints: cluster.endpoints, auth: ROOT });
    await putMany(etcd, "one/");
    await second.restart();
    await putMany(etcd, "two/");
    await expectOnce(etcd, "one/");
    await expectOnce(etcd, "two/");
    for (const endpoint of cluster.endpoints) {
      await etcd.maintenance.status({ endpoint });
    }
  });

  it("is not asked for while authentication is not enabled, and made when it is", async () => {
    await using server = await startEtcd();
    await using etcd = new EtcdClient({ endpoints: server.endpoint, auth: ROOT });
    await putMany(etcd, "before/");
    expect(await loginCount(server)).toBe(1);
    await enableAuth(server);
    const before = await loginCount(server);
    await putMany(etcd, "after/");
    expect((await loginCount(server)) - before).toBe(1);
    await expectOnce(etcd, "before/");
    await expectOnce(etcd, "after/");
    await etcd.auth.disable();
    await etcd.put("again", "1");
  });

  it("that is refused is UNAUTHENTICATED for all who wait for it, and not repeated in a storm", async () => {
    await using server = await startEtcd();
    await enableAuth(server);
    const before = await loginCount(server);
    const password = "Not-The-Password-1234";
    await using etcd = new EtcdClient({
      endpoints: server.endpoint,
      auth: { username: "root", password },
    });
    const puts = Array.from({ length: 100 }, async () => etcd.put("key", "1").catch((e: unknown) => e));
    for (const error of await Promise.all(puts)) {
      expect(error).toMatchObject({ code: "UNAUTHENTICATED", outcome: "notApplied" });
      expect((error as Error).message).toMatch(
        /^UNAUTHENTICATED: Put was not sent, Authenticate failed on .*authentication failed/,
      );
    }
    expect((await loginCount(server)) - before).toBe(1);

    const until = performance.now() + 1_500;
    let calls = 0;
    while (performance.now() < until) {
      await expect(etcd.get("key")).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
      calls += 1;
      await sleep(1);
    }
    const logins = (await loginCount(server)) - before;
    expect(calls).toBeGreaterThan(50);
    // After 50 to 100 ms, then 100 to 200, 200 to 400, 400 to 800 …
    expect(logins).toBeLessThanOrEqual(7);
    expect(logins).toBeGreaterThan(1);
  });

  it("ends with the caller's patience, and with the client", async () => {
    await using server = await startEtcd();
    await enableAuth(server);
    await using etcd = new EtcdClient({ endpoints: server.endpoint, auth: ROOT });
    await server.pause();
    await expect(etcd.put("key", "1", { timeoutMs: 200 })).rejects.toMatchObject({
      code: "TIMEOUT",
      outcome: "notApplied",
    });
    await expect(etcd.put("key", "1", { signal: AbortSignal.timeout(200) })).rejects.toMatchObject({
      code: "ABORTED",
      outcome: "notApplied",
    });
    const waiting = etcd.put("key", "1").catch((error: unknown) => error);
    const startedAt = performance.now();
    await etcd.close();
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    expect(await waiting).toMatchObject({ code: "CLOSED", outcome: "notApplied" });
    await server.resume();
  });
});

describe("a changed password", () => {
  it("ends old logins with a typed error, and new ones need the new one", async () => {
    await using server = await startEtcd();
    await enableAuth(server);
    await createUser(server, "alice", "first-password");
    await using etcd = new EtcdClient({
      endpoints: server.endpoint,
      auth: { username: "alice", password: "first-password" },
    });
    await etcd.put("alice/key", "1");
    await asRoot(server, "user", "delete", "alice");
    await createUser(server, "alice", "second-password");
    await expect(etcd.put("alice/key", "2")).rejects.toMatchObject({
      code: "UNAUTHENTICATED",
      outcome: "notApplied",
    });
    await using next = new EtcdClient({
      endpoints: server.endpoint,
      auth: { username: "alice", password: "second-password" },
    });
    expect((await next.get("alice/key"))?.text()).toBe("1");
  });

  it("goes on with what a function gives for the password", async () => {
    await using server = await startEtcd();
    await enableAuth(server);
    await createUser(server, "alice", "first-password");
    let password = "first-password";
    await using root = new EtcdClient({ endpoints: server.endpoint, auth: ROOT });
    await using etcd = new EtcdClient({
      endpoints: server.endpoint,
      auth: { username: "alice", password: async () => password },
    });
    const watcher = etcd.watch({ prefix: "alice/" });
    await watcher.ready();
    const states: string[] = [];
    watcher.on("state", (state) => states.push(state));
    await etcd.put("alice/key", "1");

    await root.auth.userChangePassword("alice", "second-password");
    password = "second-password";
    await etcd.put("alice/key", "2");
    await using later = etcd.watch({ prefix: "alice/" });
    await later.ready();
    const iterator = watcher[Symbol.asyncIterator]();
    expect((await iterator.next()).value?.events[0]?.kv.text()).toBe("1");
    expect((await iterator.next()).value?.events[0]?.kv.text()).toBe("2");
    expect(states).toEqual([]);
  });

  it("goes on where this client changed it", async () => {
    await using server = await startEtcd();
    await enableAuth(server);
    await using etcd = new EtcdClient({ endpoints: server.endpoint, auth: ROOT });
    await etcd.put("key", "1");
    await etcd.auth.userChangePassword("root", "second-password");
    await etcd.put("key", "2");
    await etcd.auth.userChangePassword("root", ROOT.password);
    await etcd.put("key", "3");
    expect((await etcd.get("key"))?.version).toBe(3n);
  });
});

describe("a changed role", () => {
  it("counts at once, and calls go on", async () => {
    await using server = await startEtcd();
    await enableAuth(server);
    await createUser(server, "alice", "a-password");
    await using etcd = new EtcdClient({
      endpoints: server.endpoint,
      auth: { username: "alice", password: "a-password" },
    });
    await etcd.put("alice/key", "1");
    await expect(etcd.put("bob/key", "1")).rejects.toMatchObject({
      code: "PERMISSION_DENIED",
      outcome: "notApplied",
    });
    await asRoot(server, "role", "grant-permission", "alice", "--prefix=true", "readwrite", "bob/");
    await etcd.put("bob/key", "1");
    await asRoot(server, "role", "revoke-permission", "alice", "--prefix=true", "bob/");
    await expect(etcd.get("bob/key")).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
  });

  it("may come as often as it likes: no call fails for it, and no write is made twice", async () => {
    await using server = await startEtcd();
    await enableAuth(server);
    await createUser(server, "alice", "a-password");
    await using root = new EtcdClient({ endpoints: server.endpoint, auth: ROOT });
    await using etcd = new EtcdClient({
      endpoints: server.endpoint,
      auth: { username: "alice", password: "a-password" },
    });
    const done = new AbortController();
    const change = async (): Promise<void> => {
      for (let round = 0; round < 5; round += 1) {
        await root.auth.roleAdd(`role-${round}`);
        await root.auth.userGrantRole("alice", `role-${round}`);
      }
      done.abort();
    };
    const changed = change();
    let sent = 0;
    const failures: unknown[] = [];
    while (!done.signal.aborted) {
      const puts = Array.from({ length: 20 }, async (_, index) => etcd.put(`alice/${sent + index}`, "1"));
      for (const each of await Promise.allSettled(puts))
        if (each.status === "rejected") failures.push(each.reason);
      sent += 20;
    }
    await changed;
    expect(failures).toEqual([]);
    const { kvs, count } = await etcd.range({ prefix: "alice/" });
    expect(count).toBe(BigInt(sent));
    expect(kvs.every(({ version }) => version === 1n)).toBe(true);
  });
});
