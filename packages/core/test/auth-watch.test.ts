import { startEtcd } from "@quorumkit/testing";
import { EtcdClient, Mirror } from "@quorumkit/core";
import { afterEach, describe, expect, it } from "vitest";
import { resolveOptions } from "../src/options.ts";
import { ClusterConnection } from "../src/transport/cluster-connection.ts";
import { memberList, watch } from "../src/transport/rpcs.ts";
import { startTcpProxy } from "./support/tcp-proxy.ts";
import { asRoot, createUser, enableAuth, loginCount, ROOT, tokenGone } from "./support/users.ts";
import { collect, watchStreamCount } from "./support/watching.ts";

const SHORT_LIVED = ["--auth-token-ttl=1", "--log-level=debug"];
const ALICE = { username: "alice", password: "a-password" };

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

describe("watches of a user", () => {
  it("go on when the token expires, old ones and new ones", async () => {
    await using server = await startEtcd({ args: SHORT_LIVED });
    await enableAuth(server);
    await using etcd = new EtcdClient({ endpoints: server.endpoint, auth: ROOT });
    const old = etcd.watch("key");
    const seenByOld = collect(old);
    await old.ready();
    const states: string[] = [];
    old.on("state", (state) => states.push(state));

    for (let round = 1; round <= 2; round += 1) {
      await tokenGone(server);
      const before = await loginCount(server);
      // With a revision to begin at nothing is read first, so that the watch itself finds the token expired.
      const watchers = Array.from({ length: 20 }, () => etcd.watch("key", { startRevision: 1n }));
      await Promise.all(watchers.map(async (each) => each.ready()));
      expect((await loginCount(server)) - before).toBe(1);
      const seen = watchers.map((each) => collect(each));
      const { revision } = await etcd.put("key", `${round}`);
      for (const each of [seenByOld, ...seen]) await expect.poll(() => each.revision()).toBe(revision);
      expect(states).toEqual([]);
      expect(seenByOld.batches).toHaveLength(round);
      // The one of the old watch goes on; all new ones are on another.
      expect(await watchStreamCount(server)).toBe(2);
      await Promise.all(watchers.map(async (each) => each.close()));
      await expect.poll(async () => watchStreamCount(server)).toBe(1);
    }
    await old.close();
    expect(await seenByOld.ended).toBeUndefined();
  });

  it("go on, as sessions do, when a restarted member has forgotten the token", async () => {
    await using server = await startEtcd();
    await enableAuth(server);
    await using etcd = new EtcdClient({ endpoints: server.endpoint, auth: ROOT });
    const session = await etcd.openSession({ ttlSeconds: 5 });
    await etcd.put("member", "1", { lease: session.lease });
    const watchers = Array.from({ length: 10 }, () => etcd.watch("key"));
    const seen = watchers.map((each) => collect(each));
    await Promise.all(watchers.map(async (each) => each.ready()));

    await server.kill();
    await server.restart();
    const { revision } = await etcd.put("key", "1");
    for (const each of seen) await expect.poll(() => each.revision()).toBe(revision);
    // None where etcd found the token again in its log, as 3.4 does.
    expect(await loginCount(server)).toBeLessThanOrEqual(1);
    // Longer than the TTL: the renewals go on.
    const until = performance.now() + 6_000;
    await expect.poll(() => performance.now() > until, { timeout: 10_000 }).toBe(true);
    expect(session.alive).toBe(true);
    expect((await etcd.get("member"))?.lease).toBe(session.leaseId);
  });

  it("that the user may not have end with PERMISSION_DENIED, without another login", async () => {
    await using server = await startEtcd();
    await enableAuth(server);
    await createUser(server, "alice", ALICE.password);
    await using etcd = new EtcdClient({ endpoints: server.endpoint, auth: ALICE });
    await etcd.put("alice/key", "1");
    const before = await loginCount(server);
    await using allowed = etcd.watch({ prefix: "alice/" });
    await allowed.ready();
    for (const options of [{}, { startRevision: 1n }]) {
      const refused = etcd.watch({ prefix: "bob/" }, options);
      const seen = collect(refused);
      await expect(refused.ready()).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
      expect(await seen.ended).toMatchObject({ code: "PERMISSION_DENIED" });
      expect(refused.state).toBe("closed");
    }
    await expect(etcd.put("bob/key", "1")).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
    const mirror = Mirror.start(etcd, { prefix: "bob/" });
    closers.push(async () => mirror.close());
    await expect(mirror.ready({ timeoutMs: 500 })).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
    expect(mirror.lastError).toMatchObject({ code: "PERMISSION_DENIED" });
    expect(mirror.state).toBe("loading");
    expect((await loginCount(server)) - before).toBe(0);
    expect(allowed.state).toBe("live");

    await asRoot(server, "role", "grant-permission", "alice", "--prefix=true", "read", "bob/");
    await asRoot(server, "put", "bob/key", "1");
    await expect.poll(() => mirror.state, { timeout: 15_000 }).toBe("live");
    expect(mirror.get("bob/key")?.text()).toBe("1");
    expect(mirror.lastError).toBeUndefined();
  });

  it("end with UNAUTHENTICATED where the login is refused, and the password stays out of it", async () => {
    await using server = await startEtcd();
    await enableAuth(server);
    const password = "Not-The-Password-1234";
    await using etcd = new EtcdClient({ endpoints: server.endpoint, auth: { username: "root", password } });
    for (const options of [{}, { startRevision: 1n }]) {
      const watcher = etcd.watch("key", options);
      const seen = collect(watcher);
      const failure = await seen.ended;
      expect(failure).toMatchObject({ code: "UNAUTHENTICATED" });
      expect((failure as Error).message).toContain("Authenticate failed");
      expect((failure as Error).message).not.toContain(password);
    }
    await expect(etcd.openSession()).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    await expect(etcd.leases.keepAliveOnce(1n)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });

  it("keep a mirror of theirs right over a change of the password", async () => {
    await using server = await startEtcd();
    await enableAuth(server);
    await createUser(server, "alice", ALICE.password);
    await using root = new EtcdClient({ endpoints: server.endpoint, auth: ROOT });
    await using etcd = new EtcdClient({ endpoints: server.endpoint, auth: ALICE });
    await using mirror = await etcd.mirror({ prefix: "alice/" });
    await root.auth.userChangePassword("alice", "another-password");
    await root.put("alice/key", "1");
    await expect.poll(() => mirror.get("alice/key")?.text()).toBe("1");
    expect(mirror.state).toBe("live");
    await expect(etcd.get("alice/key")).rejects.toMatchObject({ code: "UNAUTHENTICATED" });

    // The stream is gone now, and there is no way to another: that has to be seen.
    await server.kill();
    await server.restart();
    await expect.poll(() => mirror.state, { timeout: 10_000 }).toBe("stale");
    await expect.poll(() => mirror.lastError?.code, { timeout: 10_000 }).toBe("UNAUTHENTICATED");
    expect(mirror.get("alice/key")?.text()).toBe("1");
    await root.auth.userChangePassword("alice", ALICE.password);
    await expect.poll(() => mirror.state, { timeout: 20_000 }).toBe("live");
  });
});

it("a stream that waits for its endpoint while the token is refused is opened with the next one", async () => {
  await using server = await startEtcd();
  await enableAuth(server);
  await using proxy = await startTcpProxy(server.endpoint);
  const connection = new ClusterConnection(resolveOptions({ endpoints: proxy.endpoint, auth: ROOT }));
  closers.push(async () => connection.close());
  const handlers = { onMessage: () => {}, onEnd: () => {} };
  const first = await connection.openStream(watch, handlers);
  expect(first?.token).toBeDefined();
  proxy.refuse();
  // So that the pool knows that nobody is there.
  await expect(connection.unary(memberList, { linearizable: false }, { timeoutMs: 500 })).rejects.toThrow(
    /MemberList/,
  );
  const opening = connection.openStream(watch, handlers);
  await new Promise((resolve) => setImmediate(resolve));
  expect(first?.token?.refused()).toBe(true);
  proxy.accept();
  expect((await opening)?.token).toBeDefined();
});
