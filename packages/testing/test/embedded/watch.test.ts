import { WatchFilterType, type WatchResponse } from "@quorumkit/proto";
import { describe, expect, it } from "vitest";
import { errors } from "../../src/embedded/errors.ts";
import { StreamServer, brief, type WatchClient } from "./stream-server.ts";

const every = { rangeEnd: Buffer.of(0) };

async function nextBrief(stream: WatchClient): Promise<Record<string, unknown>> {
  return brief(await stream.next());
}

async function restBrief(stream: WatchClient): Promise<Record<string, unknown>[]> {
  return (await stream.rest()).map(brief);
}

describe("creating a watch", () => {
  it("is answered first, with an id that counts from 0, and then come events", async () => {
    const server = await StreamServer.start();
    server.put("a", "1");
    const stream = server.watch();
    stream.create("a");
    expect(await nextBrief(stream)).toEqual({ revision: 2, id: 0, created: true });
    stream.create("b");
    expect(await nextBrief(stream)).toEqual({ revision: 2, id: 1, created: true });
    server.put("a", "2");
    server.put("b", "1");
    server.put("c", "1");
    expect(await nextBrief(stream)).toEqual({ revision: 3, id: 0, events: ["put a@3=2"] });
    expect(await nextBrief(stream)).toEqual({ revision: 4, id: 1, events: ["put b@4=1"] });
    expect(await restBrief(stream)).toEqual([]);
  });

  it("takes an id that the client chose, goes round it, and refuses one in use", async () => {
    const server = await StreamServer.start();
    const stream = server.watch();
    for (const watchId of [1n, 77n, 0n, 0n, 77n, 0n]) stream.create("a", { watchId });
    const duplicate = { revision: 1, id: -1, created: true, canceled: true };
    expect(await restBrief(stream)).toEqual([
      { revision: 1, id: 1, created: true },
      { revision: 1, id: 77, created: true },
      { revision: 1, id: 0, created: true },
      { revision: 1, id: 2, created: true },
      { ...duplicate, reason: "mvcc: duplicate watch ID provided on the WatchStream" },
      { revision: 1, id: 3, created: true },
    ]);
  });

  it("is refused for a range that is empty and for a negative start", async () => {
    const server = await StreamServer.start();
    const stream = server.watch();
    const refused = { revision: 1, id: -1, created: true, canceled: true };
    for (const rangeEnd of ["a", "b"]) {
      stream.create("b", { rangeEnd: Buffer.from(rangeEnd) });
      expect(await nextBrief(stream)).toEqual({ ...refused, reason: "mvcc: watcher range is empty" });
    }
    stream.create("a", { startRevision: -1n });
    expect(await nextBrief(stream)).toEqual({
      ...refused,
      reason: "etcdserver: mvcc: required revision has been compacted",
    });
  });

  it("is refused without permission, in the words of etcd's gRPC errors", async () => {
    const server = await StreamServer.start();
    const stream = server.watch();
    const texts = new Map([
      [errors.permissionDenied(), "PermissionDenied desc = etcdserver: permission denied"],
      [errors.invalidAuthToken(), "Unauthenticated desc = etcdserver: invalid auth token"],
      [errors.authOldRevision(), "InvalidArgument desc = etcdserver: revision of auth store is old"],
      [errors.userEmpty(), "InvalidArgument desc = etcdserver: user name is empty"],
      [new TypeError("other"), "PermissionDenied desc = etcdserver: permission denied"],
    ]);
    for (const [error, text] of texts) {
      server.mayUse = () => {
        throw error;
      };
      stream.create("a");
      expect(await nextBrief(stream)).toEqual({
        revision: 1,
        id: -1,
        created: true,
        canceled: true,
        reason: `rpc error: code = ${text}`,
      });
    }
  });

  it("knows one key, a range, all keys from one on, and all keys", async () => {
    const server = await StreamServer.start();
    const stream = server.watch();
    stream.create("b");
    stream.create("b", { rangeEnd: Buffer.from("d") });
    stream.create("c", every);
    stream.create("", every);
    stream.create("");
    await stream.rest();
    server.write({ "\0": "", a: "", b: "", c: "", d: "" });
    const told = (await stream.rest()).map(({ watchId, events }) => [
      Number(watchId),
      events.map(({ kv }) => String(kv?.key).replace("\0", "0")).join(""),
    ]);
    expect(told.toSorted(([a], [b]) => Number(a) - Number(b))).toEqual([
      [0, "b"],
      [1, "bc"],
      [2, "cd"],
      [3, "0abcd"],
      [4, "0"],
    ]);
  });
});

describe("where a watch starts", () => {
  it("tells the past in one answer that speaks for now, and goes on from there", async () => {
    const server = await StreamServer.start();
    server.put("a", "1");
    server.put("b", "1");
    server.write({ a: "2", b: "2" });
    server.write({}, ["a"]);
    const stream = server.watch();
    stream.create("a", { ...every, startRevision: 3n });
    expect(await nextBrief(stream)).toEqual({ revision: 5, id: 0, created: true });
    expect(await nextBrief(stream)).toEqual({
      revision: 5,
      id: 0,
      events: ["put b@3=1", "put a@4=2", "put b@4=2", "del a@5"],
    });
    server.put("a", "3");
    expect(await nextBrief(stream)).toEqual({ revision: 6, id: 0, events: ["put a@6=3"] });
    expect(await restBrief(stream)).toEqual([]);
  });

  it("can be in the future: nothing comes before it", async () => {
    const server = await StreamServer.start();
    const stream = server.watch();
    stream.create("a", { startRevision: 4n });
    expect(await nextBrief(stream)).toEqual({ revision: 1, id: 0, created: true });
    for (let i = 0; i < 4; i++) server.put("a", String(i));
    expect(await nextBrief(stream)).toEqual({ revision: 4, id: 0, events: ["put a@4=2"] });
    expect(await nextBrief(stream)).toEqual({ revision: 5, id: 0, events: ["put a@5=3"] });
  });

  it("can be the revision of the last write", async () => {
    const server = await StreamServer.start();
    server.put("a", "1");
    const stream = server.watch();
    stream.create("a", { startRevision: 2n });
    expect(await nextBrief(stream)).toEqual({ revision: 2, id: 0, created: true });
    expect(await nextBrief(stream)).toEqual({ revision: 2, id: 0, events: ["put a@2=1"] });
  });

  it("can be the compacted revision, but not before it", async () => {
    const server = await StreamServer.start();
    for (let i = 0; i < 5; i++) server.put("a", String(i));
    server.store.compact(4n);
    const stream = server.watch();
    stream.create("a", { startRevision: 4n });
    expect(await nextBrief(stream)).toEqual({ revision: 6, id: 0, created: true });
    expect(await nextBrief(stream)).toEqual({
      revision: 6,
      id: 0,
      events: ["put a@4=2", "put a@5=3", "put a@6=4"],
    });
    stream.create("a", { startRevision: 3n });
    expect(await nextBrief(stream)).toEqual({ revision: 6, id: 1, created: true });
    expect(await nextBrief(stream)).toEqual({ revision: 0, id: 1, canceled: true, compacted: 4 });
    server.put("a", "5");
    expect(await nextBrief(stream)).toEqual({ revision: 7, id: 0, events: ["put a@7=5"] });
    expect(await restBrief(stream)).toEqual([]);
  });

  it("joins the live flow without gaps and without doubles, whatever is written meanwhile", async () => {
    const server = await StreamServer.start();
    for (let i = 0; i < 2500; i++) server.put("a", String(i));
    const stream = server.watch();
    stream.create("a", { startRevision: 2n });
    const answers: WatchResponse[] = [];
    const revisions: bigint[] = [];
    for (let last = 0n; last < 3000n;) {
      const answer = await stream.next();
      answers.push(answer);
      for (const { kv } of answer.events) revisions.push(kv?.modRevision ?? 0n);
      last = revisions.at(-1) ?? 0n;
      for (let i = 0; i < 100 && server.store.revision < 3000n; i++) server.put("a");
    }
    expect(revisions).toEqual(Array.from({ length: 2999 }, (_, i) => BigInt(i + 2)));
    expect(answers[1]?.events).toHaveLength(1000);
    expect(answers[2]?.events).toHaveLength(1000);
    expect(await restBrief(stream)).toEqual([]);
  });

  it("splits no revision between batches", async () => {
    const server = await StreamServer.start();
    for (let i = 0; i < 1500; i++) server.write({ a: String(i), b: String(i), other: "" });
    const stream = server.watch();
    stream.create("a", { rangeEnd: Buffer.from("c"), startRevision: 2n });
    await stream.next();
    const [first, second] = [await stream.next(), await stream.next()];
    expect(first.events).toHaveLength(2000);
    expect(second.events).toHaveLength(1000);
    expect(second.events[0]?.kv?.modRevision).toBe(1002n);
    expect(first.header?.revision).toBe(1501n);
  });
});

describe("what is told", () => {
  it("leaves out puts or deletes, and the answer when nothing is left", async () => {
    const server = await StreamServer.start();
    const stream = server.watch();
    stream.create("a", { filters: [WatchFilterType.NOPUT] });
    stream.create("a", { filters: [WatchFilterType.NODELETE] });
    stream.create("a", { filters: [WatchFilterType.NODELETE, WatchFilterType.NOPUT] });
    await stream.rest();
    server.put("a", "1");
    server.write({}, ["a"]);
    expect(await restBrief(stream)).toEqual([
      { revision: 2, id: 1, events: ["put a@2=1"] },
      { revision: 3, id: 0, events: ["del a@3"] },
    ]);
    stream.create("a", { filters: [WatchFilterType.NOPUT], startRevision: 2n });
    await stream.next();
    expect(await nextBrief(stream)).toEqual({ revision: 3, id: 3, events: ["del a@3"] });
  });

  it("has the previous value where it was asked for and is kept", async () => {
    const server = await StreamServer.start();
    const stream = server.watch();
    stream.create("a", { prevKv: true });
    stream.create("a");
    await stream.rest();
    server.put("a", "1");
    server.put("a", "2");
    server.write({}, ["a"]);
    const ofFirst = (await restBrief(stream)).filter(({ id }) => id === 0).map(({ events }) => events);
    expect(ofFirst).toEqual([["put a@2=1"], ["put a@3=2 (was 1@2)"], ["del a@4 (was 2@3)"]]);
    server.store.compact(3n);
    stream.create("a", { prevKv: true, startRevision: 3n });
    await stream.next();
    expect(await nextBrief(stream)).toEqual({
      revision: 4,
      id: 2,
      events: ["put a@3=2", "del a@4 (was 2@3)"],
    });
  });

  it("is one answer for each watch and revision", async () => {
    const server = await StreamServer.start();
    const stream = server.watch();
    stream.create("a", every);
    await stream.rest();
    server.write({ a: "1", b: "1", c: "1" });
    server.write({ a: "2" }, ["b"]);
    expect(await restBrief(stream)).toEqual([
      { revision: 2, id: 0, events: ["put a@2=1", "put b@2=1", "put c@2=1"] },
      { revision: 3, id: 0, events: ["put a@3=2", "del b@3"] },
    ]);
  });

  it("is split over fragments only for a watch that allows it, from the limit on", async () => {
    const server = await StreamServer.start({ maxRequestBytes: 1000 });
    const stream = server.watch();
    stream.create("a", { ...every, fragment: true });
    stream.create("a", every);
    await stream.rest();
    const value = "x".repeat(200_000);
    server.write({ a: value, b: value, c: value, d: value, e: value });
    const answers = await stream.rest();
    const parts = answers.filter(({ watchId }) => watchId === 0n);
    expect(parts.map(({ events, fragment, header }) => [events.length, fragment, header?.revision])).toEqual([
      [2, true, 2n],
      [2, true, 2n],
      [1, false, 2n],
    ]);
    expect(answers.filter(({ watchId }) => watchId === 1n).map(({ events }) => events.length)).toEqual([5]);
    server.write({ a: "small", b: "small" });
    expect((await stream.rest()).map(({ fragment, events }) => [fragment, events.length])).toEqual([
      [false, 2],
      [false, 2],
    ]);
  });
});

describe("the end of a watch", () => {
  it("is answered once, and nothing follows", async () => {
    const server = await StreamServer.start();
    const stream = server.watch();
    stream.create("a");
    await stream.next();
    stream.cancel(0n);
    stream.cancel(0n);
    stream.cancel(5n);
    expect(await nextBrief(stream)).toEqual({ revision: 1, id: 0, canceled: true });
    server.put("a");
    expect(await restBrief(stream)).toEqual([]);
    stream.create("a", { watchId: 5n });
    expect(await nextBrief(stream)).toEqual({ revision: 2, id: 5, created: true });
  });

  it("by compaction leaves its id taken until it is canceled", async () => {
    const server = await StreamServer.start();
    for (let i = 0; i < 5; i++) server.put("a");
    server.store.compact(5n);
    const stream = server.watch();
    stream.create("a", { watchId: 9n, startRevision: 2n });
    expect(await nextBrief(stream)).toEqual({ revision: 6, id: 9, created: true });
    expect(await nextBrief(stream)).toEqual({ revision: 0, id: 9, canceled: true, compacted: 5 });
    stream.create("a", { watchId: 9n });
    expect((await stream.next()).cancelReason).toBe("mvcc: duplicate watch ID provided on the WatchStream");
    stream.cancel(9n);
    expect(await nextBrief(stream)).toEqual({ revision: 6, id: 9, canceled: true });
    stream.create("a", { watchId: 9n });
    expect(await nextBrief(stream)).toEqual({ revision: 6, id: 9, created: true });
  });

  it("comes with that of the stream when the store goes back", async () => {
    const server = await StreamServer.start();
    server.put("a");
    const stream = server.watch();
    stream.create("a");
    await stream.next();
    const status = new Promise((resolve) => stream.call.on("status", resolve));
    server.store.rollBackTo(1n);
    expect(await status).toMatchObject({ code: 14, details: "etcdserver: server stopped" });
  });

  it("is not the end of the client's requests", async () => {
    const server = await StreamServer.start();
    const stream = server.watch();
    stream.create("a");
    await stream.next();
    stream.call.end();
    server.put("a");
    expect(await nextBrief(stream)).toMatchObject({ revision: 2, events: ["put a@2=v"] });
  });
});

describe("a client that does not keep up", () => {
  const value = "x".repeat(10_000);

  it("gets everything in the end, in batches: nothing is kept for it", async () => {
    const server = await StreamServer.start();
    const stream = server.watch();
    stream.create("a");
    stream.create("b", { prevKv: true });
    await stream.rest();
    stream.call.pause();
    for (let i = 0; i < 3000; i++) {
      server.put(i % 3 === 0 ? "b" : "a", value);
      if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    stream.call.resume();
    const revisions: bigint[][] = [[], []];
    let answers = 0;
    while (revisions.flat().length < 3000) {
      const { watchId, events } = await stream.next();
      answers++;
      for (const { kv } of events) revisions[Number(watchId)]?.push(kv?.modRevision ?? 0n);
    }
    const all = Array.from({ length: 3000 }, (_, i) => BigInt(i + 2));
    expect(revisions[0]).toEqual(all.filter((_, i) => i % 3 !== 0));
    expect(revisions[1]).toEqual(all.filter((_, i) => i % 3 === 0));
    expect(answers).toBeLessThan(500);
    server.put("a", "live");
    expect(await nextBrief(stream)).toEqual({ revision: 3002, id: 0, events: ["put a@3002=live"] });
  });

  it("loses its watch when what it has not been told is compacted", async () => {
    const server = await StreamServer.start();
    const stream = server.watch();
    stream.create("a");
    await stream.rest();
    stream.call.pause();
    for (let i = 0; i < 2000; i++) server.put("a", value);
    server.store.compact(1990n);
    stream.call.resume();
    let next = 2n;
    for (let answer = await stream.next(); !answer.canceled; answer = await stream.next())
      for (const { kv } of answer.events) expect(kv?.modRevision).toBe(next++);
    expect(next).toBeLessThan(1990n);
    server.put("a");
    expect(await restBrief(stream)).toEqual([]);
  });
});

describe("progress", () => {
  it("is answered for the stream when all its watches are in sync, and not at all otherwise", async () => {
    const server = await StreamServer.start();
    server.put("a");
    const stream = server.watch();
    stream.askProgress();
    stream.create("a");
    expect(await restBrief(stream)).toEqual([{ revision: 2, id: 0, created: true }]);
    server.put("other");
    stream.askProgress();
    expect(await nextBrief(stream)).toEqual({ revision: 3, id: -1 });
    stream.create("a", { startRevision: 6n });
    await stream.next();
    stream.askProgress();
    expect(await restBrief(stream)).toEqual([]);
    for (let i = 0; i < 3; i++) server.put("other");
    stream.askProgress();
    expect(await restBrief(stream)).toEqual([{ revision: 6, id: -1 }]);
  });

  it("is not answered while the stream has a watch that was compacted", async () => {
    const server = await StreamServer.start();
    for (let i = 0; i < 20; i++) server.put("a");
    const stream = server.watch();
    stream.create("a");
    await stream.next();
    server.store.compact(10n);
    stream.create("a", { startRevision: 2n });
    expect((await stream.next()).created).toBe(true);
    expect((await stream.next()).compactRevision).toBe(10n);
    stream.askProgress();
    expect(await restBrief(stream)).toEqual([]);
    stream.cancel(1n);
    stream.askProgress();
    expect((await restBrief(stream)).at(-1)).toEqual({ revision: 21, id: -1 });
  });

  it("is told of itself to a quiet watch that asked for it, as the clock has it", async () => {
    const server = await StreamServer.start();
    const stream = server.watch();
    stream.create("a", { progressNotify: true });
    stream.create("a");
    await stream.rest();
    server.put("other");
    await server.clock.advance(599_000);
    expect(await restBrief(stream)).toEqual([]);
    await server.clock.advance(1000);
    expect(await nextBrief(stream)).toEqual({ revision: 2, id: 0 });
    // Events make the next notification needless, and only that.
    server.put("a");
    await server.clock.advance(600_000);
    expect((await stream.rest()).map(({ watchId, events }) => [watchId, events.length])).toEqual([
      [0n, 1],
      [1n, 1],
    ]);
    await server.clock.advance(600_000);
    expect(await nextBrief(stream)).toEqual({ revision: 3, id: 0 });
  });

  it("comes in the interval that was set", async () => {
    const server = await StreamServer.start({ progressIntervalMs: 5000 });
    const stream = server.watch();
    stream.create("a", { progressNotify: true });
    await stream.next();
    await server.clock.advance(15_000);
    expect(await restBrief(stream)).toEqual(Array.from({ length: 3 }, () => ({ revision: 1, id: 0 })));
  });
});
