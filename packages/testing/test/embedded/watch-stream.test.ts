import { EventEmitter } from "node:events";
import type { WatchCreateRequest, WatchResponseInput } from "@quorumkit/proto";
import { expect, it, onTestFinished, vi } from "vitest";
import { VirtualClock } from "../../src/embedded/clock.ts";
import { MvccStore } from "../../src/embedded/mvcc/store.ts";
import { WatchStream } from "../../src/embedded/watch/watch-stream.ts";

/** A client that takes an answer only when it is told to. */
class SlowClient extends EventEmitter {
  readonly answers: WatchResponseInput[] = [];
  isSlow = true;
  isPaused = false;

  write(answer: WatchResponseInput): boolean {
    this.answers.push(answer);
    return !this.isSlow;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }
}

function createRequest(request: Partial<WatchCreateRequest>): { createRequest: WatchCreateRequest } {
  const nothing = Buffer.alloc(0);
  const flags = { progressNotify: false, prevKv: false, fragment: false, filters: [] };
  return {
    createRequest: {
      key: Buffer.from("a"),
      rangeEnd: nothing,
      startRevision: 0n,
      watchId: 0n,
      ...flags,
      ...request,
    },
  };
}

function setUp(revisions: number): {
  store: MvccStore;
  client: SlowClient;
  stream: WatchStream;
  put: () => void;
} {
  const store = new MvccStore();
  const clock = new VirtualClock();
  const client = new SlowClient();
  const put = (): void => {
    store.write((tx) => tx.put(Buffer.from("a"), Buffer.from("v"), 0n));
  };
  for (let i = 0; i < revisions; i++) put();
  const stream = new WatchStream({
    store,
    clock,
    answers: client,
    header: (revision) => ({ revision }),
    checkRead: () => undefined,
    progressIntervalMs: 1000,
    maxAnswerBytes: 1000,
  });
  onTestFinished(() => {
    stream.close();
    clock.close();
  });
  return { store, client, stream, put };
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

it("gives history to a client one batch at a time, as it takes them", async () => {
  const { client, stream } = setUp(5000);
  stream.handle(createRequest({ startRevision: 2n }));
  const seen: number[] = [];
  for (let i = 0; i < 7; i++) {
    await turns(5);
    seen.push(client.answers.flatMap(({ events = [] }) => events).length);
    client.emit("drain");
  }
  expect(seen).toEqual([0, 1000, 2000, 3000, 4000, 5000, 5000]);
});

it("answers no progress request while a watch catches up", async () => {
  const { client, stream } = setUp(2500);
  client.isSlow = false;
  stream.handle(createRequest({ startRevision: 2n }));
  for (let i = 0; i < 4; i++) {
    stream.handle({ requestUnion: "progressRequest", progressRequest: {} });
    await turns(1);
  }
  expect(client.answers.map(({ watchId, events = [] }) => [watchId, events.length])).toEqual([
    [0n, 0],
    [0n, 1000],
    [0n, 1000],
    [0n, 500],
    [-1n, 0],
  ]);
});

it("keeps no history for a client that takes nothing: what is compacted meanwhile, it does not get", async () => {
  const { store, client, stream } = setUp(5000);
  stream.handle(createRequest({ startRevision: 2n }));
  client.emit("drain");
  await turns(20);
  store.compact(4000n);
  for (let i = 0; i < 5; i++) {
    client.emit("drain");
    await turns(5);
  }
  expect(client.answers.map(({ events, compactRevision }) => events?.length ?? compactRevision)).toEqual([
    undefined,
    1000,
    4000n,
  ]);
});

it("lets no more than 128 answers wait, and gives the rest from history", async () => {
  const { client, stream, put } = setUp(0);
  stream.handle(createRequest({}));
  for (let i = 0; i < 1000; i++) put();
  expect(client.answers).toHaveLength(1);
  client.isSlow = false;
  client.emit("drain");
  expect(client.answers).toHaveLength(129);
  await turns(3);
  expect(client.answers).toHaveLength(130);
  const revisions = client.answers.flatMap(({ events = [] }) => events.map(({ kv }) => kv?.modRevision));
  expect(revisions).toEqual(Array.from({ length: 1000 }, (_, i) => BigInt(i + 2)));
});

it("reads no more requests while too many of their answers wait", () => {
  const { client, stream } = setUp(0);
  for (let i = 0; i < 144; i++) stream.handle(createRequest({}));
  expect(client.isPaused).toBe(false);
  stream.handle(createRequest({}));
  expect(client.isPaused).toBe(true);
  client.isSlow = false;
  client.emit("drain");
  expect(client.isPaused).toBe(false);
  expect(client.answers).toHaveLength(145);
});

it("hears nothing of the store once it is closed", () => {
  const stop = vi.fn<() => void>();
  vi.spyOn(MvccStore.prototype, "onCommit").mockReturnValue(stop);
  const { stream } = setUp(0);
  stream.close();
  expect(stop).toHaveBeenCalledOnce();
});
