import type { WatchResponse } from "@quorumkit/proto";
import { describe, expect, it } from "vitest";
import { errors } from "../../src/embedded/errors.ts";
import { StreamServer, nextBrief, restBrief } from "./stream-server.ts";

const every = { rangeEnd: Buffer.of(0) };

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
