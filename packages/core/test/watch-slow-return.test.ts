import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { startEtcd, type EtcdServer } from "@quorumkit/testing";
import { DIAGNOSTICS, EtcdClient, type StreamMessage } from "@quorumkit/core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { Subscription } from "../src/watch/subscription.ts";
import { type HubPlace, WatchHub } from "../src/watch/watch-hub.ts";
import { FakeWatchServer } from "./support/fake-watch-server.ts";
import { collect, history, watcherCount, watchStreamCount } from "./support/watching.ts";

/** For a busy machine. */
const PATIENT = { timeout: 15_000 };

describe("watches whose readers were slow once", { timeout: 60_000 }, () => {
  let server: EtcdServer;
  let writer: EtcdClient;
  /** How many watch streams were opened, those that have ended included. */
  let opened = 0;
  const onStream = (message: unknown): void => {
    const { event, rpc } = message as StreamMessage;
    if (event === "open" && rpc === "Watch") opened += 1;
  };
  beforeAll(async () => {
    subscribe(DIAGNOSTICS.stream, onStream);
    server = await startEtcd();
    writer = new EtcdClient({ endpoints: server.endpoints });
  });
  beforeEach(() => void (opened = 0));
  afterAll(async () => {
    unsubscribe(DIAGNOSTICS.stream, onStream);
    await writer.close();
    await server.close();
  });

  it("share one stream again when they have caught up, lose nothing and get nothing twice", async () => {
    await using etcd = new EtcdClient({ endpoints: server.endpoints });
    const { revision: start } = await writer.put("burst/start", "");
    const watchers = Array.from({ length: 30 }, () => etcd.watch({ prefix: "burst/" }, { bufferSize: 4 }));
    const numbered = etcd.watch({ prefix: "burst/" }, { bufferSize: 4, watchId: 7n });
    const all = [...watchers, numbered];
    await Promise.all(all.map(async (each) => each.ready()));
    expect(await watchStreamCount(server)).toBe(2);
    for (let index = 0; index < 20; index += 1) await writer.put(`burst/${index}`, "x");
    // The last thing in the store is none of theirs, so that no event tells them that they have caught up.
    await writer.put("elsewhere", "");
    await expect.poll(async () => watcherCount(server)).toBeLessThan(30);
    const seen = all.map(collect);
    await expect.poll(() => opened, PATIENT).toBeGreaterThanOrEqual(2 + 30);
    // Written while they go back, one after the other.
    let last = 0n;
    let written = 0;
    const settled = async (): Promise<boolean> =>
      (await watchStreamCount(server)) === 2 && (await watcherCount(server)) === 31;
    await expect
      .poll(async () => {
        ({ revision: last } = await writer.put("burst/later", `${(written += 1)}`));
        return settled();
      }, PATIENT)
      .toBe(true);
    for (const each of seen) await expect.poll(() => each.revision(), PATIENT).toBe(last);
    const truth = await history(writer, "burst/", start, last);
    for (const each of seen) expect(each.lines()).toEqual(truth);
    expect(await settled()).toBe(true);
    await numbered.close();
    await expect.poll(async () => watchStreamCount(server), PATIENT).toBe(1);
  });

  it("share one stream again also where nothing more happens", async () => {
    await using etcd = new EtcdClient({ endpoints: server.endpoints });
    const watchers = Array.from({ length: 3 }, () => etcd.watch({ prefix: "quiet/" }, { bufferSize: 4 }));
    await Promise.all(watchers.map(async (each) => each.ready()));
    for (let index = 0; index < 20; index += 1) await writer.put(`quiet/${index}`, "x");
    await writer.put("elsewhere", "");
    const seen = watchers.map(collect);
    await expect.poll(() => opened, PATIENT).toBeGreaterThanOrEqual(1 + 3);
    await expect.poll(async () => watchStreamCount(server), PATIENT).toBe(1);
    const { revision } = await writer.put("quiet/last", "x");
    for (const each of seen) {
      await expect.poll(() => each.revision(), PATIENT).toBe(revision);
      expect(each.lines()).toHaveLength(21);
    }
  });

  it("get what was received, and then COMPACTED, when the rest is compacted while they are held", async () => {
    await using etcd = new EtcdClient({ endpoints: server.endpoints });
    const watcher = etcd.watch({ prefix: "held/" }, { bufferSize: 4 });
    await watcher.ready();
    const before = await watcherCount(server);
    const { revision: first } = await writer.put("held/0", "x");
    for (let index = 1; index < 20; index += 1) await writer.put(`held/${index}`, "x");
    // Held: nothing watches for it.
    await expect.poll(async () => watcherCount(server)).toBe(before - 1);
    await writer.compact(first + 15n);
    const seen = collect(watcher);
    expect(await seen.ended).toMatchObject({ code: "COMPACTED", compactRevision: first + 15n });
    const received = seen.lines();
    expect(received.length).toBeGreaterThanOrEqual(4);
    expect(received).toEqual(received.map((_, index) => `${first + BigInt(index)} put held/${index} x`));
    expect(received.length).toBeLessThan(15);
  });
});

describe("a watch that is slow again and again", () => {
  let server: FakeWatchServer;
  let place: HubPlace;
  beforeEach(async () => {
    vi.useFakeTimers();
    server = new FakeWatchServer();
    server.write([{ key: "a", deleted: false }]);
    const options = { startRevision: 3n, prevKv: false, filters: [] };
    const listener = { onLive: () => {}, onInterrupted: () => {}, onBatch: () => {}, onEnd: () => {} };
    const hub = new WatchHub(server.asConnection());
    const attach = (key: string): HubPlace =>
      hub.attach(new Subscription({ ...options, range: { key: Buffer.from(key) } }, listener));
    attach("other");
    place = attach("a");
    await settle(0);
  });
  afterEach(() => void vi.useRealTimers());

  async function settle(ms: number): Promise<void> {
    await vi.advanceTimersByTimeAsync(ms);
    for (const stream of server.streams)
      while (!stream.ended && stream.inbox.length > 0) stream.readRequest();
    await vi.advanceTimersByTimeAsync(0);
  }

  const streams = (): number => server.streams.filter(({ ended }) => !ended).length;

  async function slowOnce(): Promise<void> {
    place.hold();
    place.release();
    await settle(0);
    expect(streams()).toBe(2);
  }

  it("stays longer on a stream of its own each time, up to a minute", async () => {
    for (const seconds of [1, 2, 4, 8, 16, 32, 60, 60]) {
      await slowOnce();
      place.drained();
      await settle(seconds * 500 - 1);
      expect(streams()).toBe(2);
      await settle(seconds * 500 + 1);
      expect(streams()).toBe(1);
    }
  });

  it("does not go back before it has read everything, nor when it fills up again meanwhile", async () => {
    await slowOnce();
    await settle(100_000);
    expect(streams()).toBe(2);
    place.drained();
    place.hold();
    await settle(100_000);
    expect(streams()).toBe(2);
    place.release();
    await settle(100_000);
    expect(streams()).toBe(2);
    place.drained();
    await settle(1_000);
    expect(streams()).toBe(1);
  });

  it("does not go back while what it missed is still being replayed", async () => {
    for (let index = 0; index < 10; index += 1) server.write([{ key: "a", deleted: false }]);
    await slowOnce();
    place.drained();
    const own = server.streams.at(-1);
    for (let index = 0; index < 10; index += 1) {
      await settle(300);
      expect(streams()).toBe(2);
      own?.sendEvents(0, 1, 1);
    }
    await settle(2_000);
    expect(streams()).toBe(1);
  });

  it("leaves no timer behind when it leaves", async () => {
    await slowOnce();
    place.drained();
    expect(vi.getTimerCount()).toBeGreaterThan(0);
    place.detach();
    await settle(0);
    const [shared] = server.streams;
    expect(shared?.ended).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });
});
