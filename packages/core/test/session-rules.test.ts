import type { LeaseKeepAliveResponse } from "@quorumkit/proto";
import { EtcdError } from "@quorumkit/core";
import { afterEach, describe, expect, it, vi } from "vitest";
import { KeepAlive, type RenewalListener } from "../src/lease/keep-alive.ts";
import { Session, type SessionContext } from "../src/lease/session.ts";
import type { Connection } from "../src/transport/connection.ts";
import type { StreamHandlers } from "../src/transport/rpc-stream.ts";
import type { Clock } from "../src/util/clock.ts";

/** Rules of order and time that no real server can be made to show on demand. */

class ManualClock implements Clock {
  ms = 1_000_000;
  now(): number {
    return this.ms;
  }
}

describe("a session", () => {
  it("that was lost is not brought back by a renewal answered later", () => {
    const clock = new ManualClock();
    let listener: RenewalListener | undefined;
    const keepAlive = {
      add: (_lease: unknown, _at: number, added: RenewalListener) => void (listener = added),
      remove: () => {},
    } as unknown as KeepAlive;
    const ended: Session[] = [];
    const context: SessionContext = {
      clock,
      keepAlive,
      revoke: async () => {},
      onEnded: (session) => void ended.push(session),
    };
    const session = new Session(context, { id: 1n, ttlSeconds: 10 }, clock.now());
    const sentAt = (clock.ms += 5_000);
    clock.ms += 5_000;
    expect(session.alive).toBe(false);
    listener?.onRenewed(sentAt, 10);
    expect(session.alive).toBe(false);
    expect(session.remainingMs).toBe(0);
    expect(session.signal.reason).toMatchObject({ code: "LEASE_EXPIRED" });
    expect(ended).toEqual([session]);
  });
});

class FakeStream {
  readonly handlers: StreamHandlers<LeaseKeepAliveResponse>;
  readonly endpoint = {};
  readonly sent: bigint[] = [];
  ended = false;
  constructor(handlers: StreamHandlers<LeaseKeepAliveResponse>) {
    this.handlers = handlers;
  }
  send({ ID }: { readonly ID: bigint }): void {
    this.sent.push(ID);
  }
  cancel(): void {
    this.ended = true;
  }
  abandon(): void {
    this.ended = true;
  }
  answer(ID: bigint, TTL: bigint): void {
    this.handlers.onMessage({ header: null, ID, TTL });
  }
}

describe("renewals", () => {
  let started: KeepAlive | undefined;
  afterEach(() => {
    for (const id of [1n, 2n]) started?.remove(id);
  });

  function start(): { clock: ManualClock; streams: FakeStream[]; keepAlive: KeepAlive } {
    const clock = new ManualClock();
    const streams: FakeStream[] = [];
    const connection = {
      closing: new AbortController().signal,
      openStream: async (_rpc: unknown, handlers: StreamHandlers<LeaseKeepAliveResponse>) => {
        const stream = new FakeStream(handlers);
        streams.push(stream);
        return stream;
      },
    } as unknown as Connection;
    started = new KeepAlive(connection, clock);
    return { clock, streams, keepAlive: started };
  }

  function listener(): RenewalListener & { renewed: [number, number][]; gone: number } {
    return {
      renewed: [],
      gone: 0,
      onRenewed(sentAt, ttlSeconds) {
        this.renewed.push([sentAt, ttlSeconds]);
      },
      onGone() {
        this.gone += 1;
      },
    };
  }

  it("count from when they were sent, each for its own lease", async () => {
    const { clock, streams, keepAlive } = start();
    const one = listener();
    const two = listener();
    keepAlive.add({ id: 1n, ttlSeconds: 10 }, clock.now() - 10_000, one);
    keepAlive.add({ id: 2n, ttlSeconds: 20 }, clock.now() - 20_000, two);
    await vi.waitFor(() => expect(streams[0]?.sent).toEqual([1n, 2n]));
    const sentAt = clock.now();
    clock.ms += 700;
    streams[0]?.answer(2n, 20n);
    streams[0]?.answer(1n, 10n);
    // Nobody asked for these.
    streams[0]?.answer(1n, 10n);
    streams[0]?.answer(99n, 10n);
    expect(one.renewed).toEqual([[sentAt, 10]]);
    expect(two.renewed).toEqual([[sentAt, 20]]);
  });

  it("of a lease that is gone end that one only", async () => {
    const { clock, streams, keepAlive } = start();
    const one = listener();
    const two = listener();
    keepAlive.add({ id: 1n, ttlSeconds: 10 }, clock.now() - 10_000, one);
    keepAlive.add({ id: 2n, ttlSeconds: 10 }, clock.now() - 10_000, two);
    await vi.waitFor(() => expect(streams[0]?.sent).toHaveLength(2));
    streams[0]?.answer(1n, 0n);
    streams[0]?.answer(2n, 10n);
    expect(one.gone).toBe(1);
    expect(two.renewed).toHaveLength(1);
    expect(streams).toHaveLength(1);
    expect(streams[0]?.ended).toBe(false);
    keepAlive.remove(2n);
    expect(streams[0]?.ended).toBe(true);
  });

  it("that were not answered are asked again at once on the next stream", async () => {
    const { clock, streams, keepAlive } = start();
    const one = listener();
    keepAlive.add({ id: 1n, ttlSeconds: 10 }, clock.now() - 10_000, one);
    await vi.waitFor(() => expect(streams[0]?.sent).toEqual([1n]));
    const firstSentAt = clock.now();
    clock.ms += 50;
    streams[0]?.handlers.onEnd(new EtcdError("UNAVAILABLE", "broke"), true);
    await vi.waitFor(() => expect(streams[1]?.sent).toEqual([1n]));
    streams[1]?.answer(1n, 10n);
    expect(one.renewed).toEqual([[firstSentAt + 50, 10]]);
  });

  it("do not spin when every stream is refused at once", async () => {
    const { clock, streams, keepAlive } = start();
    keepAlive.add({ id: 1n, ttlSeconds: 10 }, clock.now() - 10_000, listener());
    const startedAt = performance.now();
    for (let index = 0; performance.now() - startedAt < 1_000; index += 1) {
      await vi.waitFor(() => expect(streams.length).toBeGreaterThan(index), 2_000);
      streams[index]?.handlers.onEnd(new EtcdError("UNAUTHENTICATED", "no"), false);
    }
    expect(streams.length).toBeGreaterThan(2);
    expect(streams.length).toBeLessThan(12);
  });
});
