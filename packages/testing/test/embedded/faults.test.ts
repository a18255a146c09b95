import { status } from "@grpc/grpc-js";
import { rpcs } from "@quorumkit/proto";
import { afterEach, beforeEach, expect, test } from "vitest";
import { EmbeddedEtcd } from "../../src/embedded/embedded-etcd.ts";
import { Rpc, failureOf, watchKey } from "./support/rpc.ts";

let etcd: EmbeddedEtcd;
let rpc: Rpc;

beforeEach(async () => {
  etcd = await EmbeddedEtcd.start({ quiet: true });
  rpc = new Rpc(etcd.endpoint);
});

afterEach(async () => {
  rpc.close();
  await etcd.close();
});

test("the n-th call of a method fails with the given status, and is not done", async () => {
  const rule = etcd.failCall("Put", { nth: 2, code: status.RESOURCE_EXHAUSTED, details: "too much" });
  await rpc.put("a", "1");
  expect(await failureOf(rpc.put("b", "2"))).toEqual({
    code: status.RESOURCE_EXHAUSTED,
    details: "too much",
  });
  await rpc.put("c", "3");
  expect(await rpc.get("b")).toBeUndefined();
  expect(await rpc.get("c")).toBe("3");
  expect(rule.failed).toBe(1);
  expect(etcd.revision).toBe(3n);
});

test("a lost answer: the call is done, and fails", async () => {
  etcd.failCall("/etcdserverpb.KV/Put", { after: true });
  expect(await failureOf(rpc.put("a", "1"))).toEqual({
    code: status.UNAVAILABLE,
    details: "etcdserver: server stopped",
  });
  expect(await rpc.get("a")).toBe("1");
});

test("several calls in a row fail, until the rule is taken back", async () => {
  const rule = etcd.failCall("Range", { times: Infinity });
  for (let turn = 0; turn < 3; turn++) await expect(rpc.get("a")).rejects.toThrow(/server stopped/);
  rule.remove();
  expect(await rpc.get("a")).toBeUndefined();
  etcd.failCall("Range", { times: 2 });
  await expect(rpc.get("a")).rejects.toThrow(/server stopped/);
  await expect(rpc.get("a")).rejects.toThrow(/server stopped/);
  expect(await rpc.get("a")).toBeUndefined();
  expect(rule.failed).toBe(3);
});

test("the opening of a stream fails", async () => {
  etcd.failCall("Watch", { code: status.UNAUTHENTICATED, details: "etcdserver: invalid auth token" });
  const refused = rpc.open(rpcs.watch.watch);
  expect(await refused.ended).toMatchObject({ code: status.UNAUTHENTICATED });
  await watchKey(rpc, "a");
});

test("a held answer: the call is done, and answered at the release", async () => {
  const hold = etcd.hold("Put");
  let isAnswered = false;
  const put = rpc.put("a", "1").then((revision) => {
    isAnswered = true;
    return revision;
  });
  await hold.reached();
  expect(await rpc.get("a")).toBe("1");
  expect(isAnswered).toBe(false);
  hold.release();
  expect(await put).toBe(2n);
  expect(hold.held).toBe(1);
  await rpc.put("b", "2");
  expect(hold.held).toBe(1);
});

test("a held request is not done before the release, and never when its client has gone", async () => {
  const hold = etcd.hold("Put", { before: true });
  const put = rpc.put("a", "1");
  const gone = new AbortController();
  const abandoned = rpc.call(rpcs.kv.put, { key: Buffer.from("b") }, { signal: gone.signal });
  await hold.reached(2);
  expect(await rpc.get("a")).toBeUndefined();
  gone.abort();
  await expect(abandoned).rejects.toMatchObject({ code: status.CANCELLED });
  // A call after the cancellation on the same connection: the server has seen both.
  await rpc.get("a");
  hold.release();
  await put;
  expect(await rpc.get("a")).toBe("1");
  expect(await rpc.get("b")).toBeUndefined();
});

test("a held request is done late, after its client has gone, where that is asked for", async () => {
  const hold = etcd.hold("Put", { before: true, late: true });
  const gone = new AbortController();
  const abandoned = rpc.call(rpcs.kv.put, { key: Buffer.from("b") }, { signal: gone.signal });
  await hold.reached();
  gone.abort();
  await expect(abandoned).rejects.toMatchObject({ code: status.CANCELLED });
  await rpc.get("b");
  expect(etcd.revision).toBe(1n);
  hold.release();
  await expect.poll(() => etcd.revision).toBe(2n);
  expect(await rpc.get("b")).toBe("");
});

test("one stream is dropped, or all of them", async () => {
  const first = await watchKey(rpc, "a");
  const second = await watchKey(rpc, "a");
  const ids: number[] = [];
  expect(
    etcd.dropStreams("Watch", {
      filter: ({ id, method, member, peer }) => {
        ids.push(id);
        expect([method, member]).toEqual(["Watch", "etcd0"]);
        expect(peer).toContain("127.0.0.1");
        return id === 1;
      },
    }),
  ).toBe(1);
  expect(ids).toEqual([1, 2]);
  expect(await first.ended).toMatchObject({
    code: status.UNAVAILABLE,
    details: "etcdserver: server stopped",
  });
  await rpc.put("a", "1");
  expect((await second.next()).events).toHaveLength(1);
  expect(etcd.dropStreams("Watch", { code: status.INTERNAL, details: "broken" })).toBe(1);
  expect(await second.ended).toMatchObject({ code: status.INTERNAL, details: "broken" });
  await expect.poll(() => etcd.dropStreams("Watch")).toBe(0);
});

test("a stalled stream says nothing until the release, and then everything in order", async () => {
  const stalled = await watchKey(rpc, "a");
  const stall = etcd.stallStreams("Watch");
  expect(stall.streams).toBe(1);
  const other = await watchKey(rpc, "a");
  stalled.send({ createRequest: { key: Buffer.from("b"), watchId: 7n } });
  await rpc.put("a", "1");
  await rpc.put("a", "2");
  await other.next();
  await other.next();
  expect(stalled.received).toHaveLength(1);
  stall.release();
  expect((await stalled.next()).events[0]?.kv?.value.toString()).toBe("1");
  expect((await stalled.next()).events[0]?.kv?.value.toString()).toBe("2");
  expect(await stalled.next()).toMatchObject({ watchId: 7n, created: true });
});

test("a stalled stream can be dropped", async () => {
  const stream = await watchKey(rpc, "a");
  etcd.stallStreams("Watch");
  await rpc.put("a", "1");
  etcd.dropStreams("Watch");
  expect(await stream.ended).toMatchObject({ code: status.UNAVAILABLE });
  expect(stream.received).toHaveLength(1);
});

test("a stalled renewal is not made", async () => {
  const lease = await rpc.grant(60n);
  const stream = rpc.open(rpcs.lease.leaseKeepAlive);
  stream.send({ ID: lease });
  await stream.next();
  const stall = etcd.stallStreams("LeaseKeepAlive");
  await etcd.advance(30_000);
  stream.send({ ID: lease });
  // Behind the renewal on the same connection.
  const before = await rpc.call(rpcs.lease.leaseTimeToLive, { ID: lease });
  expect(Number(before.TTL)).toBeLessThanOrEqual(30);
  stall.release();
  expect((await stream.next()).TTL).toBe(60n);
});

test("heal takes every ordered fault back", async () => {
  etcd.failCall("Put", { times: Infinity });
  const hold = etcd.hold("Range");
  const held = rpc.get("a");
  await hold.reached();
  etcd.heal();
  expect(await held).toBeUndefined();
  await rpc.put("a", "1");
});

test("wrong methods and options are refused by name", async () => {
  expect(() => etcd.failCall("Puts")).toThrow(
    /"Put" or "\/etcdserverpb\.KV\/Put", got "Puts"; known are .*LeaseGrant/,
  );
  expect(() => etcd.failCall("Put", { nth: 0 })).toThrow(
    new TypeError('failCall: expected option "nth" to be a whole number of at least 1, got 0'),
  );
  expect(() => etcd.failCall("Put", { code: status.OK })).toThrow(
    /"code" to be a gRPC status other than OK, got 0/,
  );
  expect(() => etcd.failCall("Put", { often: 2 } as never)).toThrow(
    /failCall: unknown option "often"; known are nth, times, code, details, after, member/,
  );
  expect(() => etcd.hold("Watch")).toThrow(/Watch is a stream: use stallStreams/);
  expect(() => etcd.stallStreams("Put")).toThrow(/a method with streams, such as "Watch", got "Put"/);
  expect(() => etcd.dropStreams("Watch", { member: "" })).toThrow(/"member" to be one of etcd0/);
  await rpc.put("still", "fine");
});
