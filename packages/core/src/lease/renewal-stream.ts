import type { LeaseKeepAliveRequestInput, LeaseKeepAliveResponse } from "@quorumkit/proto";
import { EtcdError } from "../errors/etcd-error.ts";
import type { Connection } from "../transport/connection.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import type { RpcStream } from "../transport/rpc-stream.ts";
import * as rpcs from "../transport/rpcs.ts";

/** What the server said to one renewal, and when that was sent and answered by the clock. */
export interface Answer {
  readonly id: bigint;
  readonly sentAt: number;
  readonly answeredAt: number;
  /** 0 for a lease the server does not know. */
  readonly ttlSeconds: number;
}

export interface RenewalStreamHandlers {
  onAnswer(answer: Answer): void;
  /** The stream ended, and not by {@link RenewalStream.cancel} or {@link RenewalStream.abandon}. */
  onEnd(error: EtcdError): void;
}

export interface RenewalStreamOptions {
  readonly avoid: Endpoint | undefined;
  /** A stream not to share a connection with, where both are to one endpoint. */
  readonly besides: RenewalStream | undefined;
}

type Stream = RpcStream<LeaseKeepAliveRequestInput, LeaseKeepAliveResponse>;

/**
 * One stream of renewals, which knows what it owes: an answer belongs to the oldest unanswered renewal that this stream
 * sent for the lease, since the server answers in the order of the requests.
 */
export class RenewalStream {
  /** Send times of unanswered renewals, oldest first. */
  readonly #unanswered = new Map<bigint, number[]>();
  #stream: Stream | undefined;
  #cancelled = false;
  #heard = false;
  #silentSince = Infinity;

  /** Resolves when renewals can be sent; false when that will not be: it was cancelled, or the client closes. */
  async open(
    connection: Connection,
    now: () => number,
    handlers: RenewalStreamHandlers,
    { avoid, besides }: RenewalStreamOptions,
  ): Promise<boolean> {
    let stream: Stream | undefined;
    try {
      stream = await connection.openStream(
        rpcs.leaseKeepAlive,
        {
          onMessage: ({ ID, TTL }) => {
            const answeredAt = now();
            const sentAt = this.#answered(ID, answeredAt);
            if (sentAt === undefined) return;
            handlers.onAnswer({ id: ID, sentAt, answeredAt, ttlSeconds: Math.max(0, Number(TTL)) });
          },
          onEnd: (error) => handlers.onEnd(error),
        },
        { avoid, besides: besides === undefined ? undefined : besides.#stream },
      );
    } catch (error) {
      if (!this.#cancelled) handlers.onEnd(EtcdError.from(error));
      return false;
    }
    if (stream === undefined) return false;
    if (this.#cancelled) {
      stream.cancel();
      return false;
    }
    this.#stream = stream;
    return true;
  }

  get isOpen(): boolean {
    return this.#stream !== undefined;
  }

  get endpoint(): Endpoint | undefined {
    return this.#stream?.endpoint;
  }

  /** Whether an answer ever came on it. */
  get heard(): boolean {
    return this.#heard;
  }

  /** The leases with an unanswered renewal. */
  get owing(): IterableIterator<bigint> {
    return this.#unanswered.keys();
  }

  get owesNothing(): boolean {
    return this.#unanswered.size === 0;
  }

  /** Since when something is unanswered and nothing came; Infinity when all is answered. */
  get silentSince(): number {
    return this.#silentSince;
  }

  /** When the oldest unanswered renewal of a lease was sent, of those sent after `after`. */
  unansweredSince(id: bigint, after: number): number | undefined {
    return this.#unanswered.get(id)?.find((sentAt) => sentAt > after);
  }

  /** `now` was read before this is called, so that it is never later than what the server counts from. */
  send(id: bigint, now: number): void {
    if (this.#unanswered.size === 0) this.#silentSince = now;
    const sent = this.#unanswered.get(id);
    if (sent === undefined) this.#unanswered.set(id, [now]);
    else sent.push(now);
    this.#stream?.send({ ID: id });
  }

  cancel(): void {
    this.#cancelled = true;
    this.#stream?.cancel();
  }

  /** Gives up on it, and on the connection it is on, which may be half-open. */
  abandon(reason: string): EtcdError | undefined {
    this.#cancelled = true;
    return this.#stream?.abandon(reason);
  }

  #answered(id: bigint, now: number): number | undefined {
    this.#heard = true;
    const sent = this.#unanswered.get(id);
    const sentAt = sent?.shift();
    if (sent?.length === 0) this.#unanswered.delete(id);
    this.#silentSince = this.#unanswered.size === 0 ? Infinity : now;
    return sentAt;
  }
}
