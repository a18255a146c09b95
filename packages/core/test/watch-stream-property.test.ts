import assert from "node:assert/strict";
import * as fc from "fast-check";
import type { WatchBatch } from "@quorumkit/core";
import { afterEach, beforeEach, describe, it, vi } from "vitest";
import { Subscription } from "../src/watch/subscription.ts";
import { WatchHub, type HubPlace } from "../src/watch/watch-hub.ts";
import { FakeWatchServer } from "./support/fake-watch-server.ts";

type Step =
  | { readonly do: "write"; readonly changes: readonly { readonly key: string; readonly deleted: boolean }[] }
  | { readonly do: "watch"; readonly key: string; readonly back: number; readonly numbered: boolean }
  | { readonly do: "leave" | "hold" | "release" | "drained"; readonly who: number }
  | { readonly do: "request" | "piece" | "end" | "catchUp"; readonly stream: number }
  | {
      readonly do: "events";
      readonly stream: number;
      readonly who: number;
      readonly revisions: number;
      readonly pieces: number;
    }
  | { readonly do: "progress"; readonly stream: number; readonly who: number; readonly all: boolean }
  | { readonly do: "stillborn" }
  | { readonly do: "lag"; readonly by: number }
  | { readonly do: "wait"; readonly ms: number };

const key = fc.constantFrom("a", "b", "c");
const small = fc.nat({ max: 7 });
const on = <Name extends string>(...names: Name[]): fc.Arbitrary<{ do: Name; stream: number }> =>
  fc.record({ do: fc.constantFrom(...names), stream: small });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("write" as const),
      changes: fc.array(fc.record({ key, deleted: fc.boolean() }), { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("watch" as const),
      key: fc.oneof(key, fc.constant("*")),
      back: small,
      numbered: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom("leave" as const, "hold" as const, "release" as const, "drained" as const),
      who: small,
    }),
  },
  { weight: 4, arbitrary: on("request", "piece") },
  { weight: 1, arbitrary: on("end", "catchUp") },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("events" as const),
      stream: small,
      who: small,
      revisions: fc.integer({ min: 1, max: 5 }),
      pieces: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("progress" as const),
      stream: small,
      who: small,
      all: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: "stillborn" as const }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("lag" as const), by: fc.nat({ max: 3 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(0, 10, 1500, 4000) }),
  },
);

/** A watch as its reader sees it. Checks each delivery for itself; {@link lines} is compared in the end. */
class Reader {
  readonly lines: string[] = [];
  readonly key: string;
  readonly start: bigint;
  readonly place: HubPlace;
  held = false;
  left = false;
  #position: bigint;

  constructor(hub: WatchHub, watched: string, start: bigint, watchId: bigint | undefined) {
    this.key = watched;
    this.start = start;
    this.#position = start - 1n;
    const subscription = new Subscription(
      {
        range: { key: Buffer.from(watched) },
        startRevision: start,
        prevKv: false,
        filters: [],
        watchId,
      },
      {
        onLive: () => assert(!this.left),
        onInterrupted: () => assert(!this.left),
        onEnd: (error) => assert.fail(error),
        onBatch: (batch) => this.#received(batch),
      },
    );
    this.place = hub.attach(subscription);
  }

  #received({ events, revision }: WatchBatch): void {
    assert(!this.left);
    assert(revision > this.#position);
    for (const event of events) {
      assert(event.kv.modRevision > this.#position && event.kv.modRevision <= revision);
      this.lines.push(`${event.kv.modRevision} ${event.type} ${event.key}`);
    }
    this.#position = revision;
  }

  /** Everything up to the last delivered revision must be there: nothing missing, nothing split, nothing twice. */
  check(server: FakeWatchServer): void {
    const due = server
      .linesFor(this.key, this.start)
      .filter((line) => BigInt(line.split(" ")[0] as string) <= this.#position);
    assert.deepEqual(this.lines, due);
  }
}

async function run(steps: readonly Step[]): Promise<void> {
  const server = new FakeWatchServer();
  const hub = new WatchHub(server.asConnection());
  const readers: Reader[] = [];
  const open = (): FakeWatchServer["streams"] => server.streams.filter(({ ended }) => !ended);
  const streamAt = (index: number): FakeWatchServer["streams"][number] | undefined =>
    open()[index % Math.max(1, open().length)];
  const readerAt = (index: number): Reader | undefined => {
    const here = readers.filter(({ left }) => !left);
    return here[index % Math.max(1, here.length)];
  };

  for (const each of steps) {
    const stream = "stream" in each ? streamAt(each.stream) : undefined;
    const reader = "who" in each ? readerAt(each.who) : undefined;
    const readable = stream !== undefined && !stream.paused;
    switch (each.do) {
      case "write":
        server.write(each.changes);
        break;
      case "watch": {
        const start = server.head + 1n - BigInt(each.back);
        // Small ids, which the server gives away as well.
        const watchId = each.numbered ? BigInt(1 + (readers.length % 3)) : undefined;
        readers.push(new Reader(hub, each.key, start < 2n ? 2n : start, watchId));
        break;
      }
      case "leave":
        if (reader !== undefined) {
          reader.left = true;
          reader.place.detach();
        }
        break;
      case "hold":
        if (reader?.held === false) {
          reader.held = true;
          reader.place.hold();
        }
        break;
      case "release":
        if (reader?.held === true) {
          reader.held = false;
          reader.place.release();
        }
        break;
      case "drained":
        if (reader?.held === false) reader.place.drained();
        break;
      // etcd sends the pieces of an answer in one go: nothing comes between them.
      case "request":
        if (readable && !stream.sendPiece()) stream.readRequest();
        break;
      case "piece":
        if (readable) stream.sendPiece();
        break;
      case "events":
        if (readable && !stream.sendPiece()) stream.sendEvents(each.who, each.revisions, each.pieces);
        break;
      case "progress":
        if (readable && stream.pieces.length === 0) stream.sendProgress(each.who, each.all);
        break;
      case "end":
        stream?.end();
        break;
      case "catchUp":
        if (stream !== undefined) stream.lag = 0;
        break;
      case "lag":
        server.nextLag = each.by;
        break;
      case "stillborn":
        server.stillborn = true;
        break;
      case "wait":
        await vi.advanceTimersByTimeAsync(each.ms);
        break;
    }
    await vi.advanceTimersByTimeAsync(0);
    for (const one of readers) one.check(server);
    for (const { ids } of server.streams) {
      const given = ids.map((one) => one.given);
      assert(
        given.length === 1 || ids.every(({ asked }) => asked === undefined),
        "a numbered watch is alone",
      );
      assert.equal(new Set(given).size, given.length, `no id twice on one stream: ${given.join(" ")}`);
    }
  }

  // The weather clears: everybody reads again, and everything there is arrives.
  server.nextLag = 0;
  for (const each of readers) if (each.held && !each.left) each.place.release();
  const staying = readers.filter(({ left }) => !left);
  const complete = (each: Reader): boolean =>
    each.lines.length === server.linesFor(each.key, each.start).length;
  const arrive = async (): Promise<void> => {
    for (
      let round = 0;
      round < 60 && !(staying.every(complete) && open().every(({ inbox }) => inbox.length === 0));
      round += 1
    ) {
      await vi.advanceTimersByTimeAsync(round < 40 ? 0 : 2500);
      for (const stream of open()) {
        stream.lag = 0;
        while (stream.sendPiece());
        while (stream.inbox.length > 0) stream.readRequest();
        for (let index = 0; index < stream.watches.size; index += 1) {
          stream.sendEvents(index, 100, 1);
          while (stream.sendPiece());
        }
      }
    }
    for (const each of staying) assert.deepEqual(each.lines, server.linesFor(each.key, each.start));
  };
  await arrive();
  // All that was sent has been read: after a while there is one stream, and those of watches with a number.
  for (const each of staying) each.place.drained();
  await vi.advanceTimersByTimeAsync(120_000);
  await arrive();
  const shared = open().filter(({ ids }) => ids.some(({ asked }) => asked === undefined));
  assert(shared.length <= 1, `${shared.length} streams are shared`);
  server.write([
    { key: "a", deleted: false },
    { key: "b", deleted: false },
    { key: "c", deleted: true },
  ]);
  await arrive();
  // Everybody leaves, and no stream stays open.
  for (const each of staying) {
    each.left = true;
    each.place.detach();
  }
  await vi.advanceTimersByTimeAsync(10_000);
  assert.equal(open().length, 0);
}

describe("a watch stream, whatever happens in whatever order", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it(
    "delivers in order, once, without a gap, and moves only at the borders of revisions",
    { timeout: 60_000 },
    async () => {
      await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 120, size: "max" }), run), {
        numRuns: 400,
      });
    },
  );
});
