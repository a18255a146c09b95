import { describe, expect, it } from "vitest";
import { StreamServer, nextBrief, restBrief } from "./stream-server.ts";

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
