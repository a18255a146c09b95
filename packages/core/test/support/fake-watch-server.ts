import {
  EventType,
  type Event as WireEvent,
  type WatchCreateRequest,
  type WatchRequestInput,
  type WatchResponse,
} from "@quorumkit/proto";
import { EtcdError } from "@quorumkit/core";
import type { Connection } from "../../src/transport/connection.ts";
import type { StreamHandlers } from "../../src/transport/rpc-stream.ts";

/** One revision of the fake store: the keys it changed, or deleted. */
export interface FakeRevision {
  readonly revision: bigint;
  readonly changes: readonly { readonly key: string; readonly deleted: boolean }[];
}

interface FakeWatch {
  readonly id: bigint;
  readonly key: string;
  next: bigint;
}

/** A stream as etcd's side sees it. It answers only when told to, a step at a time. */
export class FakeStream {
  readonly endpoint = { url: "fake" };
  readonly watches = new Map<bigint, FakeWatch>();
  /** The ids asked for and the ids given, of all watches that were ever created on this stream. */
  readonly ids: { readonly asked: bigint | undefined; readonly given: bigint }[] = [];
  readonly inbox: WatchRequestInput[] = [];
  /** Pieces of a cut answer which still have to follow, before anything else. */
  readonly pieces: WatchResponse[] = [];
  /** How many of the newest revisions the member behind this stream has not got yet. */
  lag: number;
  paused = false;
  ended = false;
  readonly #server: FakeWatchServer;
  readonly #handlers: StreamHandlers<WatchResponse>;
  #nextId = 0n;

  constructor(server: FakeWatchServer, handlers: StreamHandlers<WatchResponse>, lag: number) {
    this.#server = server;
    this.#handlers = handlers;
    this.lag = lag;
  }

  send(request: WatchRequestInput): void {
    this.inbox.push(request);
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  cancel(): void {
    this.ended = true;
  }

  abandon(reason: string): EtcdError {
    this.cancel();
    return new EtcdError("UNAVAILABLE", reason);
  }

  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.#handlers.onEnd(new EtcdError("UNAVAILABLE", "cut"), true);
  }

  get visible(): readonly FakeRevision[] {
    return this.#server.log.slice(0, Math.max(0, this.#server.log.length - this.lag));
  }

  get #head(): bigint {
    return this.visible.at(-1)?.revision ?? 1n;
  }

  /** Reads one request; of one for progress, what it says is returned, to be sent whenever the test likes. */
  readRequest(): (() => void) | undefined {
    const request = this.inbox.shift();
    if (request?.progressRequest !== undefined && request.progressRequest !== null)
      return this.progressAnswer();
    if (request?.createRequest !== undefined && request.createRequest !== null) {
      const { key, startRevision, watchId } = request.createRequest as WatchCreateRequest;
      const id = watchId ?? this.#freeId();
      const watch = { id, key: Buffer.from(key).toString(), next: startRevision };
      this.ids.push({ asked: watchId, given: id });
      this.watches.set(watch.id, watch);
      this.#emit({ watchId: watch.id, created: true });
    } else if (request?.cancelRequest !== undefined && request.cancelRequest !== null) {
      const { watchId } = request.cancelRequest as { watchId: bigint };
      if (this.watches.delete(watchId)) this.#emit({ watchId, canceled: true });
    }
    return undefined;
  }

  /** The answer for all watches as of now, or none where one is not in sync. */
  progressAnswer(): (() => void) | undefined {
    if (![...this.watches.values()].every(({ next }) => next > this.#head)) return undefined;
    const answer = this.#response({ watchId: -1n });
    return () => this.#handlers.onMessage(answer);
  }

  /** Sends what the `index`-th watch has not got: at most `revisions` of them, in up to `pieces` pieces. */
  sendEvents(index: number, revisions: number, pieces: number): void {
    const watch = [...this.watches.values()][index % Math.max(1, this.watches.size)];
    if (watch === undefined) return;
    const due = this.visible.filter(({ revision }) => revision >= watch.next).slice(0, revisions);
    const last = due.at(-1);
    if (last === undefined) return;
    watch.next = last.revision + 1n;
    const events = due.flatMap((each) => eventsOf(each, watch.key));
    if (events.length === 0) return;
    const size = Math.ceil(events.length / pieces);
    for (let first = 0; first < events.length; first += size) {
      this.pieces.push(
        this.#response({
          watchId: watch.id,
          events: events.slice(first, first + size),
          fragment: first + size < events.length,
        }),
      );
    }
    this.sendPiece();
  }

  sendPiece(): boolean {
    const piece = this.pieces.shift();
    if (piece !== undefined && this.watches.has(piece.watchId)) this.#handlers.onMessage(piece);
    return piece !== undefined;
  }

  /** Says how far it is, to one watch, or to all; as etcd does, only where everything has been sent. */
  sendProgress(index: number, all: boolean): void {
    const inSync = ({ next }: FakeWatch): boolean => next > this.#head;
    const watches = [...this.watches.values()];
    if (all) this.progressAnswer()?.();
    const watch = watches[index % Math.max(1, watches.length)];
    if (!all && watch !== undefined && inSync(watch)) this.#emit({ watchId: watch.id });
  }

  /** As etcd picks one: round those that are taken, but not round those that were. */
  #freeId(): bigint {
    while (this.watches.has(this.#nextId)) this.#nextId += 1n;
    return this.#nextId++;
  }

  #emit(response: Partial<WatchResponse>): void {
    this.#handlers.onMessage(this.#response(response));
  }

  #response(response: Partial<WatchResponse>): WatchResponse {
    const header = { clusterId: this.#server.clusterId, memberId: 1n, revision: this.#head, raftTerm: 1n };
    return {
      header,
      watchId: 0n,
      created: false,
      canceled: false,
      compactRevision: 0n,
      cancelReason: "",
      fragment: false,
      events: [],
      ...response,
    };
  }
}

/** Stands where a connection would: gives out fake streams over one log. */
export class FakeWatchServer {
  readonly log: FakeRevision[] = [];
  readonly streams: FakeStream[] = [];
  clusterId = 1n;
  /** How many reads and calls for a status were made. */
  unaryCalls = 0;
  version = "3.5.30";
  /** The next stream ends before anybody has it. */
  stillborn = false;
  /** The lag of the member on which the next stream comes. */
  nextLag = 0;
  readonly closing: AbortSignal = new AbortController().signal;
  readonly defaultTimeoutMs = 5000;

  get head(): bigint {
    return this.log.at(-1)?.revision ?? 1n;
  }

  write(changes: FakeRevision["changes"]): void {
    this.log.push({ revision: this.head + 1n, changes });
  }

  async openStream(_rpc: unknown, handlers: StreamHandlers<WatchResponse>): Promise<FakeStream> {
    await Promise.resolve();
    const stream = new FakeStream(this, handlers, this.nextLag);
    this.streams.push(stream);
    if (this.stillborn) stream.end();
    this.stillborn = false;
    return stream;
  }

  /** A linearizable read, or a status. */
  async unary(): Promise<unknown> {
    await Promise.resolve();
    this.unaryCalls += 1;
    const header = { clusterId: this.clusterId, memberId: 1n, revision: this.head, raftTerm: 1n };
    return { header, kvs: [], count: 0n, more: false, version: this.version };
  }

  asConnection(): Connection {
    return this as unknown as Connection;
  }

  /** What a watch of `key` from `start` on has to deliver in the end. */
  linesFor(key: string, start: bigint): string[] {
    return this.log
      .filter(({ revision }) => revision >= start)
      .flatMap((each) => eventsOf(each, key))
      .map(lineOf);
  }
}

/** The key "*" watches everything. */
function eventsOf({ revision, changes }: FakeRevision, watched: string): WireEvent[] {
  return changes
    .filter(({ key }) => watched === "*" || watched === key)
    .map(({ key, deleted }) => ({
      type: deleted ? EventType.DELETE : EventType.PUT,
      kv: {
        key: Buffer.from(key),
        value: Buffer.alloc(0),
        createRevision: 1n,
        modRevision: revision,
        version: 1n,
        lease: 0n,
      },
      prevKv: null,
    })) as WireEvent[];
}

function lineOf({ type, kv }: WireEvent): string {
  return `${kv?.modRevision} ${type === EventType.DELETE ? "delete" : "put"} ${kv?.key.toString()}`;
}
