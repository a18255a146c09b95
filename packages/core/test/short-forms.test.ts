import { EtcdClient } from "@quorumkit/core";
import { startEtcd, type EtcdServer } from "@quorumkit/testing";
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from "vitest";
import type { KeyValue } from "@quorumkit/core";
import { answerOf } from "./support/answer-of.ts";
import { startTcpProxy } from "./support/tcp-proxy.ts";

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

describe("compareAndSwap", () => {
  it("writes where the value is the expected one, and else gives what is there", async () => {
    await etcd.put("cas", "1");
    const swapped = await etcd.compareAndSwap("cas", "1", "2");
    expect(swapped.swapped).toBe(true);
    const kv = await etcd.get("cas");
    expect(kv?.text()).toBe("2");
    expect(kv?.modRevision).toBe(swapped.revision);

    const refused = await etcd.compareAndSwap("cas", "1", "3");
    if (refused.swapped) throw new Error("swapped");
    expectTypeOf(refused.current).toEqualTypeOf<KeyValue | undefined>();
    expect(refused.current?.text()).toBe("2");
    expect(refused.revision).toBe(swapped.revision);
    expect((await etcd.get("cas"))?.text()).toBe("2");
  });

  it("takes undefined for no key, which an empty value is not", async () => {
    expect(await etcd.compareAndSwap("cas/new", undefined, "")).toMatchObject({ swapped: true });
    expect(await etcd.compareAndSwap("cas/new", undefined, "x")).toMatchObject({ swapped: false });
    expect(await etcd.compareAndSwap("cas/new", "", "x")).toMatchObject({ swapped: true });
    const absent = await etcd.compareAndSwap("cas/absent", "", "x");
    expect(absent).toMatchObject({ swapped: false, current: undefined });
    expect(await etcd.get("cas/absent")).toBeUndefined();
  });

  it("lets one of many win", async () => {
    await etcd.put("cas/race", "0");
    const results = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => etcd.compareAndSwap("cas/race", "0", `won by ${index}`)),
    );
    expect(results.filter(({ swapped }) => swapped)).toHaveLength(1);
  });

  it("changes, keeps or drops the lease as told", async () => {
    const lease = await etcd.leases.grant({ ttlSeconds: 60 });
    await etcd.compareAndSwap("cas/lease", undefined, "1", { lease });
    expect((await etcd.get("cas/lease"))?.lease).toBe(lease.id);
    await etcd.compareAndSwap("cas/lease", "1", "2", { ignoreLease: true });
    expect((await etcd.get("cas/lease"))?.lease).toBe(lease.id);
    await etcd.compareAndSwap("cas/lease", "2", "3");
    expect((await etcd.get("cas/lease"))?.lease).toBe(0n);
    await expect(etcd.compareAndSwap("x", undefined, "1", { ignoreLease: true })).rejects.toThrow(
      /ignoreLease must be absent where no key is expected/,
    );
    await expect(etcd.compareAndSwap("x", 1 as unknown as string, "1")).rejects.toThrow(/expected must be/);
    await expect(etcd.compareAndSwap("x", "1", "2", { prevKv: true } as object)).rejects.toThrow(
      /unknown option/,
    );
  });

  it("is not sent again when the answer is lost, and says that it may have happened", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    await using through = new EtcdClient({ endpoints: proxy.endpoint });
    await etcd.put("cas/lost", "0");
    const lost = proxy.loseNextAnswer();
    const swap = through.compareAndSwap("cas/lost", "0", "1");
    await expect(swap).rejects.toMatchObject({ code: "UNAVAILABLE", outcome: "unknown" });
    await lost;
    // Sent twice, the second would have said that somebody else came before.
    const kv = await etcd.get("cas/lost");
    expect([kv?.text(), kv?.version]).toEqual(["1", 2n]);
  });
});

describe("putIfAbsent", () => {
  it("writes once", async () => {
    const results = await Promise.all(["a", "b", "c"].map(async (value) => etcd.putIfAbsent("once", value)));
    const winner = results.findIndex(({ created }) => created);
    expect(results.filter(({ created }) => created)).toHaveLength(1);
    const value = (await etcd.get("once"))?.text();
    expect(value).toBe(["a", "b", "c"][winner]);
    const found = results.flatMap((result) => (result.created ? [] : [result.current.text()]));
    expect(found).toEqual([value, value]);
    const lease = await etcd.leases.grant({ ttlSeconds: 60 });
    await etcd.putIfAbsent("once/leased", "x", { lease });
    expect((await etcd.get("once/leased"))?.lease).toBe(lease.id);
  });
});

describe("putWithTtl", () => {
  it("writes a key that goes away by itself", async () => {
    const { lease, revision } = await etcd.putWithTtl("ttl", "x", { ttlSeconds: 2 });
    const kv = await etcd.get("ttl");
    expect(kv?.lease).toBe(lease.id);
    expect(kv?.modRevision).toBe(revision);
    await expect.poll(async () => etcd.get("ttl"), { timeout: 10_000 }).toBeUndefined();
    expect(await etcd.leases.timeToLive(lease)).toBeUndefined();
  });

  it("leaves no lease behind when the put certainly failed", async () => {
    const before = await etcd.leases.list();
    const tooLarge = Buffer.alloc(3 * 1024 * 1024);
    await expect(etcd.putWithTtl("ttl/large", tooLarge, { ttlSeconds: 60 })).rejects.toMatchObject({
      code: "REQUEST_TOO_LARGE",
      outcome: "notApplied",
    });
    // Members list leases each in an order of its own.
    expect(new Set(await etcd.leases.list())).toEqual(new Set(before));
  });

  it("keeps the lease where the key may be there", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    await using through = new EtcdClient({ endpoints: proxy.endpoint });
    // Late enough for the test to step in between the grant and the put.
    proxy.delay("requests", 200);
    const ended = answerOf(through.putWithTtl("ttl/lost", "x", { ttlSeconds: 60 }));
    await expect.poll(() => proxy.calls, { interval: 5 }).toBe(2);
    await proxy.loseNextAnswer();
    expect(await ended).toBe("unknown");
    const kv = await etcd.get("ttl/lost");
    expect(kv?.text()).toBe("x");
    expect(await etcd.leases.timeToLive(kv?.lease ?? 0n)).toBeDefined();
  });

  it("refuses wrong input before there is a lease", async () => {
    const before = await etcd.leases.list();
    await expect(etcd.putWithTtl("", "x", { ttlSeconds: 60 })).rejects.toThrow(TypeError);
    await expect(etcd.putWithTtl("k", 1 as unknown as string, { ttlSeconds: 60 })).rejects.toThrow(TypeError);
    await expect(etcd.putWithTtl("k", "x", {} as { ttlSeconds: number })).rejects.toThrow(/ttlSeconds/);
    await expect(
      etcd.putWithTtl("k", "x", { ttlSeconds: 1, lease: 1n } as { ttlSeconds: number }),
    ).rejects.toThrow(/unknown option "lease"/);
    // Members list leases each in an order of its own.
    expect(new Set(await etcd.leases.list())).toEqual(new Set(before));
  });
});

describe("putAll", () => {
  it("writes all keys in one revision", async () => {
    const entries = Array.from({ length: 128 }, (_, index) => [`all/${index}`, `${index}`] as const);
    const { revision } = await etcd.putAll(entries);
    const { kvs } = await etcd.range({ prefix: "all/" });
    expect(kvs).toHaveLength(128);
    expect(new Set(kvs.map(({ modRevision }) => modRevision))).toEqual(new Set([revision]));
    const lease = await etcd.leases.grant({ ttlSeconds: 60 });
    await etcd.putAll(new Map([["all/map", Buffer.from([1])]]), { lease });
    expect((await etcd.get("all/map"))?.lease).toBe(lease.id);
  });

  it("refuses before anything is sent what the server would refuse", async () => {
    const { revision } = await etcd.range("x");
    const many = Array.from({ length: 129 }, (_, index) => [`m${index}`, ""] as const);
    await expect(etcd.putAll(many)).rejects.toThrow(/between 1 and 128 keys, received 129/);
    await expect(etcd.putAll([])).rejects.toThrow(/received 0/);
    const twice = [
      ["same", "1"],
      [Buffer.from("same"), "2"],
    ] as const;
    await expect(etcd.putAll(twice)).rejects.toThrow(/twice/);
    await expect(etcd.putAll({ a: "1" } as never)).rejects.toThrow(/entries must be an iterable/);
    await expect(etcd.putAll(["ab"] as never)).rejects.toThrow(TypeError);
    expect((await etcd.range("x")).revision).toBe(revision);
  });
});

describe("compact", () => {
  it("forgets what is older, and refuses to do it twice or too early", async () => {
    const { revision } = await etcd.put("compact", "1");
    await etcd.put("compact", "2");
    await etcd.compact(revision + 1n, { physical: true });
    await expect(etcd.get("compact", { revision })).rejects.toMatchObject({ code: "COMPACTED" });
    expect((await etcd.get("compact"))?.text()).toBe("2");
    await expect(etcd.compact(revision)).rejects.toMatchObject({ code: "COMPACTED", outcome: "notApplied" });
    await expect(etcd.compact(revision + 1000n)).rejects.toMatchObject({ code: "FUTURE_REVISION" });
    await expect(etcd.compact(0n)).rejects.toThrow(/revision must be a bigint between 1n/);
    await expect(etcd.compact(undefined as never)).rejects.toThrow(TypeError);
    await expect(etcd.compact(1n, { physically: true } as object)).rejects.toThrow(/unknown option/);
  });
});
