import type { LeaseKeepAliveResponse } from "@quorumkit/proto";
import { KeepAlive } from "../../src/lease/keep-alive.ts";
import type { RenewalListener } from "../../src/lease/renewal.ts";
import type { Connection, OpenStreamOptions } from "../../src/transport/connection.ts";
import type { StreamHandlers } from "../../src/transport/rpc-stream.ts";
import type { Clock } from "../../src/util/clock.ts";

/** A clock that goes with Node's timers, also when those are faked: how renewals of minutes are tested in no time. */
export const fakeableClock: Clock = { now: () => performance.now() };

/** A stream whose answers the test gives. */
export class FakeStream {
  readonly handlers: StreamHandlers<LeaseKeepAliveResponse>;
  readonly options: OpenStreamOptions;
  readonly endpoint: object;
  readonly sent: { readonly id: bigint; readonly at: number }[] = [];
  /** The renewal of a lease is answered with this TTL at once, where there is one. */
  ttls: ReadonlyMap<bigint, number> = new Map();
  ended = false;
  abandoned = false;
  /** Whether the next stream was told not to share its connection. */
  left = false;

  constructor(
    endpoint: object,
    handlers: StreamHandlers<LeaseKeepAliveResponse>,
    options: OpenStreamOptions,
  ) {
    this.endpoint = endpoint;
    this.handlers = handlers;
    this.options = options;
  }

  send({ ID }: { readonly ID: bigint }): void {
    this.sent.push({ id: ID, at: fakeableClock.now() });
    const ttl = this.ttls.get(ID);
    if (ttl !== undefined) queueMicrotask(() => this.answer(ID, ttl));
  }

  answer(ID: bigint, ttlSeconds: number): void {
    if (!this.ended) this.handlers.onMessage({ header: null, ID, TTL: BigInt(ttlSeconds) });
  }

  cancel(): void {
    this.ended = true;
  }

  abandon(reason: string): Error {
    this.ended = true;
    this.abandoned = true;
    return new Error(reason);
  }

  leaveConnection(): void {
    this.left = true;
  }
}

export interface Recorded extends RenewalListener {
  readonly renewed: { readonly sentAt: number; readonly ttlSeconds: number }[];
  gone: number;
}

export function recorded(): Recorded {
  return {
    renewed: [],
    gone: 0,
    onRenewed(sentAt, ttlSeconds) {
      this.renewed.push({ sentAt, ttlSeconds });
    },
    onGone() {
      this.gone += 1;
    },
  };
}

/**
 * A keep-alive whose streams are answered by the test. They go to the first of `members` endpoints that is not to be
 * avoided and on which no stream was abandoned.
 */
export function renewing(members: number, onOpen: (stream: FakeStream) => void = () => {}) {
  const endpoints = Array.from({ length: members }, (_, index) => ({ url: `member ${index}` }));
  const streams: FakeStream[] = [];
  const connection = {
    closing: new AbortController().signal,
    openStream: async (
      _rpc: unknown,
      handlers: StreamHandlers<LeaseKeepAliveResponse>,
      options: OpenStreamOptions,
    ) => {
      const hanging = streams.filter(({ abandoned }) => abandoned).map((each) => each.endpoint);
      const sound = endpoints.filter((each) => !hanging.includes(each));
      const endpoint = (sound.find((each) => each !== (options.avoid as object | undefined)) ??
        endpoints[0]) as object;
      if (endpoint === (options.besides?.endpoint as object | undefined)) options.besides?.leaveConnection();
      const stream = new FakeStream(endpoint, handlers, options);
      onOpen(stream);
      streams.push(stream);
      return stream;
    },
  } as unknown as Connection;
  return { keepAlive: new KeepAlive(connection, fakeableClock), streams, endpoints };
}
