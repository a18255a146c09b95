import { describe, expect, it } from "vitest";
import { StreamServer, nextBrief, restBrief } from "./stream-server.ts";

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
