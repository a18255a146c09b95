import { WatchFilterType } from "@quorumkit/proto";
import { describe, expect, it } from "vitest";
import { StreamServer, nextBrief, restBrief } from "./stream-server.ts";

const every = { rangeEnd: Buffer.of(0) };

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
