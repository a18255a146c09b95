import { EtcdError } from "@quorumkit/core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type FakeStream, fakeableClock, recorded, type Recorded, renewing } from "./support/renewing.ts";

/** Rules of order and time that no real server can be made to show on demand. */

const TTL = 12;
const TTL_MS = TTL * 1_000;
/** Renewed after a third at the latest, sent another way a sixth later. */
const DUE_MS = TTL_MS / 3;
const PATIENCE_MS = TTL_MS / 6;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

/** Lets time pass until `condition` holds, to 5 ms. */
async function passUntil(condition: () => boolean): Promise<void> {
  for (let waited = 0; !condition() && waited < TTL_MS; waited += 5) await pass(5);
  expect(condition()).toBe(true);
}

function idsOf(stream: FakeStream | undefined): bigint[] {
  return (stream?.sent ?? []).map(({ id }) => id);
}

describe("a renewal", () => {
  it("counts from when it was sent, each for its own lease", async () => {
    const { keepAlive, streams } = renewing(1);
    const one = recorded();
    const two = recorded();
    keepAlive.add({ id: 1n, ttlSeconds: TTL }, fakeableClock.now() - DUE_MS, one);
    keepAlive.add({ id: 2n, ttlSeconds: 20 }, fakeableClock.now() - 7_000, two);
    await pass(5);
    expect(idsOf(streams[0])).toEqual([1n, 2n]);
    const [sentOne, sentTwo] = streams[0]?.sent ?? [];
    await pass(700);
    streams[0]?.answer(2n, 20);
    streams[0]?.answer(1n, TTL);
    // Nobody asked for these.
    streams[0]?.answer(1n, TTL);
    streams[0]?.answer(99n, TTL);
    expect(one.renewed).toEqual([{ sentAt: sentOne?.at, ttlSeconds: TTL }]);
    expect(two.renewed).toEqual([{ sentAt: sentTwo?.at, ttlSeconds: 20 }]);
  });

  it("of a lease that is gone ends that one only", async () => {
    const { keepAlive, streams } = renewing(1);
    const one = recorded();
    const two = recorded();
    keepAlive.add({ id: 1n, ttlSeconds: TTL }, fakeableClock.now(), one);
    keepAlive.add({ id: 2n, ttlSeconds: TTL }, fakeableClock.now(), two);
    await pass(DUE_MS);
    streams[0]?.answer(1n, 0);
    streams[0]?.answer(2n, TTL);
    expect([one.gone, two.gone, two.renewed.length]).toEqual([1, 0, 1]);
    expect(streams[0]?.ended).toBe(false);
    await pass(DUE_MS);
    expect(idsOf(streams[0]).filter((id) => id === 1n)).toHaveLength(1);
    keepAlive.remove(2n);
    expect(streams[0]?.ended).toBe(true);
  });

  it("that was not answered when the stream ended is sent at once on the next, to another member", async () => {
    const { keepAlive, streams } = renewing(2);
    const listener = recorded();
    keepAlive.add({ id: 1n, ttlSeconds: TTL }, fakeableClock.now(), listener);
    await pass(DUE_MS);
    expect(idsOf(streams[0])).toEqual([1n]);
    streams[0]?.handlers.onEnd(new EtcdError("UNAVAILABLE", "broke"), true);
    expect(keepAlive.lastErrorOf(1n)).toMatchObject({ code: "UNAVAILABLE" });
    await pass(5);
    expect(idsOf(streams[1])).toEqual([1n]);
    expect(streams[1]?.endpoint).not.toBe(streams[0]?.endpoint);
    streams[1]?.answer(1n, TTL);
    expect(listener.renewed).toEqual([{ sentAt: streams[1]?.sent[0]?.at, ttlSeconds: TTL }]);
    expect(keepAlive.lastErrorOf(1n)).toBeUndefined();
  });

  it("does not spin when every stream is refused at once", async () => {
    const { keepAlive, streams } = renewing(1, (stream) => {
      queueMicrotask(() => stream.handlers.onEnd(new EtcdError("UNAUTHENTICATED", "no"), false));
    });
    keepAlive.add({ id: 1n, ttlSeconds: TTL }, fakeableClock.now(), recorded());
    await pass(2_000);
    expect(streams.length).toBeGreaterThan(3);
    expect(streams.length).toBeLessThan(12);
    keepAlive.remove(1n);
  });
});

describe("an unanswered renewal", () => {
  async function unanswered(members: number): Promise<ReturnType<typeof renewing> & { listener: Recorded }> {
    const parts = renewing(members);
    const listener = recorded();
    parts.keepAlive.add({ id: 1n, ttlSeconds: TTL }, fakeableClock.now(), listener);
    await pass(DUE_MS);
    expect(idsOf(parts.streams[0])).toEqual([1n]);
    // Jitter had it sent up to a fifth earlier.
    await pass(PATIENCE_MS);
    return { ...parts, listener };
  }

  it("is sent again through another member, while the first stream keeps its chance", async () => {
    const { keepAlive, streams, listener } = await unanswered(2);
    expect(streams).toHaveLength(2);
    expect(idsOf(streams[1])).toEqual([1n]);
    expect(streams[1]?.endpoint).not.toBe(streams[0]?.endpoint);
    expect(streams[0]?.ended).toBe(false);
    expect(keepAlive.lastErrorOf(1n)).toMatchObject({ code: "UNAVAILABLE" });
    const [first, again] = [streams[0]?.sent[0]?.at, streams[1]?.sent[0]?.at];
    const waitedMs = (again ?? 0) - (first ?? 0);
    expect(waitedMs).toBeGreaterThanOrEqual(PATIENCE_MS);
    expect(waitedMs).toBeLessThan(PATIENCE_MS + 10);
    // Each answer is worth what its own sending was.
    streams[0]?.answer(1n, TTL);
    streams[1]?.answer(1n, TTL);
    expect(listener.renewed.map(({ sentAt }) => sentAt)).toEqual([first, again]);
    expect(keepAlive.lastErrorOf(1n)).toBeUndefined();
    // The first stream works after all: it stays, and the second is not needed.
    expect([streams[0]?.ended, streams[1]?.ended]).toEqual([false, true]);
    keepAlive.remove(1n);
  });

  it("is sent over another connection where there is one member only", async () => {
    const { keepAlive, streams } = await unanswered(1);
    expect(streams[1]?.endpoint).toBe(streams[0]?.endpoint);
    expect(streams[0]?.left).toBe(true);
    expect(idsOf(streams[1])).toEqual([1n]);
    keepAlive.remove(1n);
    expect(streams.map(({ ended }) => ended)).toEqual([true, true]);
  });

  it("moves its lease to the stream that answers first, and the silent one is given up in the end", async () => {
    const { keepAlive, streams } = await unanswered(2);
    streams[1]?.answer(1n, TTL);
    expect(streams[0]?.ended).toBe(false);
    (streams[1] as FakeStream).ttls = new Map([[1n, TTL]]);
    await pass(3 * TTL_MS);
    expect(idsOf(streams[0])).toEqual([1n]);
    expect(idsOf(streams[1]).length).toBeGreaterThan(8);
    expect(streams[0]?.abandoned).toBe(true);
    expect(streams).toHaveLength(2);
    keepAlive.remove(1n);
  });

  it("reaches the third member when the first two hang", async () => {
    const { keepAlive, streams } = renewing(3, (stream) => {
      if (streams.length === 2) stream.ttls = new Map([[1n, TTL]]);
    });
    const listener = recorded();
    keepAlive.add({ id: 1n, ttlSeconds: TTL }, fakeableClock.now(), listener);
    await pass(DUE_MS);
    streams[0]?.answer(1n, TTL);
    const [{ sentAt: provenAt } = { sentAt: 0 }] = listener.renewed;
    await pass(TTL_MS);
    expect(new Set(streams.slice(0, 3).map(({ endpoint }) => endpoint)).size).toBe(3);
    expect((listener.renewed[1]?.sentAt ?? Infinity) - provenAt).toBeLessThan(0.9 * TTL_MS);
    keepAlive.remove(1n);
  });

  it("does not wait for the one ahead of it on its stream", async () => {
    // The server answers a stream in order, and waits with the answer for a lease that has expired but is not revoked.
    const { keepAlive, streams } = renewing(1, (stream) => {
      if (streams.length > 0) stream.ttls = new Map([[2n, TTL]]);
    });
    const [dead, healthy] = [recorded(), recorded()];
    keepAlive.add({ id: 1n, ttlSeconds: 2 }, fakeableClock.now() - 1_900, dead);
    keepAlive.add({ id: 2n, ttlSeconds: TTL }, fakeableClock.now(), healthy);
    const grantedAt = fakeableClock.now();
    await pass(100);
    expect(idsOf(streams[0])).toEqual([1n]);
    // Its session has ended by now.
    keepAlive.remove(1n);
    await pass(TTL_MS);
    expect(healthy.renewed.length).toBeGreaterThan(1);
    expect(healthy.renewed[0]?.sentAt).toBeLessThan(grantedAt + DUE_MS + PATIENCE_MS + 50);
    keepAlive.remove(2n);
  });
});

describe("a link that is slow, but works", () => {
  it("is not given up for one answer that is late, but for one that does not come at all", async () => {
    const { keepAlive, streams } = renewing(1);
    keepAlive.add({ id: 1n, ttlSeconds: TTL }, fakeableClock.now(), recorded());
    await passUntil(() => streams[0]?.sent.length === 1);
    streams[0]?.answer(1n, TTL);
    await passUntil(() => streams[0]?.sent.length === 2);
    await pass(2.9 * PATIENCE_MS);
    expect(streams[0]?.abandoned).toBe(false);
    await pass(0.2 * PATIENCE_MS);
    expect(streams[0]?.abandoned).toBe(true);
    keepAlive.remove(1n);
  });

  it("has several renewals under way, and the first answer is the first one's", async () => {
    const { keepAlive, streams } = renewing(1);
    const listener = recorded();
    keepAlive.add({ id: 1n, ttlSeconds: TTL }, fakeableClock.now() - 0.9 * DUE_MS, listener);
    await pass(1.3 * DUE_MS);
    const [first, second] = streams[0]?.sent ?? [];
    expect(first?.at).toBeLessThan(second?.at ?? 0);
    streams[0]?.answer(1n, TTL);
    streams[0]?.answer(1n, TTL);
    expect(listener.renewed.map(({ sentAt }) => sentAt)).toEqual([first?.at, second?.at]);
    keepAlive.remove(1n);
  });

  it("keeps a lease of 2 s whose answers take 500 ms, and is not given up", async () => {
    const slow = 500;
    const { keepAlive, streams } = renewing(1, (stream) => {
      vi.spyOn(stream, "send").mockImplementation(({ ID }) => {
        stream.sent.push({ id: ID, at: fakeableClock.now() });
        setTimeout(() => stream.answer(ID, 2), slow);
      });
    });
    const listener = recorded();
    keepAlive.add({ id: 1n, ttlSeconds: 2 }, fakeableClock.now() - slow, listener);
    await pass(60_000);
    const sentAt = listener.renewed.map((each) => each.sentAt);
    const gaps = sentAt.slice(1).map((each, index) => each - (sentAt[index] ?? 0));
    // Proven again, answer included, well before what was proven ends.
    expect(Math.max(...gaps) + slow).toBeLessThan(1_600);
    expect(streams.some(({ abandoned }) => abandoned)).toBe(false);
    // It is known to be slow after the first answer, so that nothing is sent twice from then on.
    expect(streams.length).toBeLessThanOrEqual(2);
    expect(idsOf(streams[1]).length).toBeLessThanOrEqual(2);
    keepAlive.remove(1n);
  });
});

describe("many leases", () => {
  const answers = (count: number, ttlSeconds = TTL): ReadonlyMap<bigint, number> =>
    new Map(Array.from({ length: count }, (_, index) => [BigInt(index + 1), ttlSeconds]));

  it("are spread over streams of fifty renewals in a second, on different members, and stay where they are", async () => {
    vi.useRealTimers();
    const ttls = answers(50, 2);
    const { keepAlive, streams } = renewing(2, (stream) => void (stream.ttls = ttls));
    const all = new Map([...ttls.keys()].map((id) => [id, recorded()]));
    for (const [id, listener] of all) {
      keepAlive.add({ id, ttlSeconds: 2 }, fakeableClock.now(), listener);
      if (id % 10n === 0n) await new Promise((resolve) => setImmediate(resolve));
    }
    const renewedTimes = (times: number): boolean =>
      [...all.values()].every(({ renewed }) => renewed.length >= times);
    await vi.waitFor(() => expect(renewedTimes(1)).toBe(true), 10_000);
    expect(streams).toHaveLength(2);
    expect(new Set(streams.map(({ endpoint }) => endpoint)).size).toBe(2);
    const before = streams.map((stream) => new Set(idsOf(stream)));
    expect(before.map(({ size }) => size)).toEqual([33, 17]);
    await vi.waitFor(() => expect(renewedTimes(2)).toBe(true), 10_000);
    expect(streams.map((stream) => new Set(idsOf(stream)))).toEqual(before);
    for (const id of ttls.keys()) keepAlive.remove(id);
    expect(streams.every(({ ended }) => ended)).toBe(true);
  });

  it("that were granted together are not renewed together", async () => {
    const count = 300;
    const ttls = answers(count);
    const { keepAlive, streams } = renewing(1, (stream) => void (stream.ttls = ttls));
    for (const id of ttls.keys()) keepAlive.add({ id, ttlSeconds: TTL }, fakeableClock.now(), recorded());
    await pass(2 * TTL_MS);
    const sent = streams.flatMap((stream) => stream.sent);
    const inSlice = new Map<number, number>();
    const last = new Map<bigint, number>();
    for (const { id, at } of sent) {
      const slice = Math.floor(at / 100);
      inSlice.set(slice, (inSlice.get(slice) ?? 0) + 1);
      expect(at - (last.get(id) ?? at)).toBeLessThanOrEqual(DUE_MS + 10);
      last.set(id, at);
    }
    // Were they all at once, a tenth of a second would hold all of them.
    expect(last.size).toBe(count);
    expect(Math.max(...inSlice.values())).toBeLessThan(count / 4);
    for (const id of ttls.keys()) keepAlive.remove(id);
  });

  it("that are due at once leave the event loop to others in between", async () => {
    vi.useRealTimers();
    const ttls = answers(1_000);
    let inTurn = 0;
    let most = 0;
    const { keepAlive, streams } = renewing(1, (stream) => {
      vi.spyOn(stream, "send").mockImplementation(({ ID }) => {
        if (inTurn === 0) setImmediate(() => (inTurn = 0));
        inTurn += 1;
        most = Math.max(most, inTurn);
        stream.sent.push({ id: ID, at: fakeableClock.now() });
      });
    });
    for (const id of ttls.keys())
      keepAlive.add({ id, ttlSeconds: TTL }, fakeableClock.now() - DUE_MS, recorded());
    await vi.waitFor(() => expect(streams.flatMap(({ sent }) => sent)).toHaveLength(1_000));
    expect(most).toBeLessThanOrEqual(256);
    for (const id of ttls.keys()) keepAlive.remove(id);
  });
});
