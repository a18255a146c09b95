import type { WatchRequestInput, WatchResponse } from "@quorumkit/proto";
import { EtcdError, isEtcdError } from "../errors/etcd-error.ts";
import { meaningOfCancelReason } from "../errors/server-errors.ts";
import type { Connection } from "../transport/connection.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import type { RpcStream } from "../transport/rpc-stream.ts";
import * as rpcs from "../transport/rpcs.ts";
import type { Subscription } from "./subscription.ts";

type Stream = RpcStream<WatchRequestInput, WatchResponse>;

/** The watch id of answers that concern every watch of the stream, or none. Ids of watches begin at 0. */
const EVERY_WATCH = -1n;

/**
 * Many watches on one stream. Creates go out one at a time: the server picks the ids, so the only thing that ties an
 * answer to a request is their order. When the stream ends, all watches are set up again on the next, each from its own
 * position.
 */
export class WatchStream {
  readonly #connection: Connection;
  readonly #active = new Map<bigint, Subscription>();
  /** Cancelled by us; what the server still sends for them is ignored. */
  readonly #cancelled = new Set<bigint>();
  #waiting: Subscription[] = [];
  /** The create under way; `subscription` is undefined when its watcher left meanwhile. */
  #creating: { subscription: Subscription | undefined } | undefined;
  #stream: Stream | undefined;
  #opening = false;
  #avoid: Endpoint | undefined;
  #paused = false;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  add(subscription: Subscription): void {
    this.#waiting.push(subscription);
    this.#proceed();
  }

  /** Ends a watch here; its position stays, so that it can go on elsewhere. */
  remove(subscription: Subscription): void {
    if (this.#creating?.subscription === subscription) {
      this.#creating.subscription = undefined;
    } else if (this.#waiting.includes(subscription)) {
      this.#waiting = this.#waiting.filter((each) => each !== subscription);
    } else {
      for (const [id, each] of this.#active) if (each === subscription) this.#cancel(id);
    }
    if (this.#idle) this.#drop();
  }

  /** Stops reading the stream, which by HTTP/2 flow control stops the server. */
  pause(): void {
    this.#paused = true;
    this.#stream?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#stream?.resume();
  }

  get #idle(): boolean {
    return (
      this.#active.size === 0 && this.#waiting.length === 0 && this.#creating?.subscription === undefined
    );
  }

  /** Opens the stream if it is missing, and sends the next create if none is under way. */
  #proceed(): void {
    if (this.#stream === undefined) {
      if (!this.#idle) void this.#open();
      return;
    }
    if (this.#creating !== undefined) return;
    const subscription = this.#waiting.shift();
    if (subscription === undefined) return;
    this.#creating = { subscription };
    this.#stream.send({ createRequest: subscription.createRequest() });
  }

  async #open(): Promise<void> {
    if (this.#opening) return;
    this.#opening = true;
    const stream: Stream | undefined = await this.#connection.openStream(
      rpcs.watch,
      {
        onMessage: (response) => this.#received(response),
        onEnd: (error) => this.#ended(error),
      },
      { avoid: this.#avoid },
    );
    this.#opening = false;
    // Undefined only when the client closes, which ends the watchers too.
    if (stream === undefined) return;
    if (this.#idle) {
      stream.cancel();
      return;
    }
    this.#stream = stream;
    if (this.#paused) stream.pause();
    this.#proceed();
  }

  #received(response: WatchResponse): void {
    if (response.created) this.#created(response);
    else if (response.canceled) this.#canceled(response);
    else if (response.watchId === EVERY_WATCH) {
      for (const each of this.#active.values()) each.progress(response.header?.revision ?? 0n);
    } else {
      const subscription = this.#active.get(response.watchId);
      if (subscription !== undefined) subscription.received(response);
      else if (!this.#cancelled.has(response.watchId)) this.#cancel(response.watchId);
    }
  }

  #created({ watchId, canceled, cancelReason }: WatchResponse): void {
    const subscription = this.#creating?.subscription;
    this.#creating = undefined;
    if (canceled || watchId === EVERY_WATCH) {
      subscription?.listener.onEnd(refusal(cancelReason));
    } else if (subscription === undefined) {
      this.#cancel(watchId);
    } else {
      this.#active.set(watchId, subscription);
      subscription.listener.onLive();
    }
    if (this.#idle) this.#drop();
    else this.#proceed();
  }

  #canceled({ watchId, compactRevision, cancelReason }: WatchResponse): void {
    const subscription = this.#active.get(watchId);
    this.#active.delete(watchId);
    this.#cancelled.delete(watchId);
    if (subscription === undefined) return;
    const error =
      compactRevision === 0n
        ? refusal(cancelReason)
        : new EtcdError(
            "COMPACTED",
            `the watch cannot go on from revision ${subscription.nextRevision}: history up to ${compactRevision} is compacted`,
            { compactRevision },
          );
    subscription.listener.onEnd(error);
    if (this.#idle) this.#drop();
  }

  #cancel(watchId: bigint): void {
    this.#active.delete(watchId);
    this.#cancelled.add(watchId);
    this.#stream?.send({ cancelRequest: { watchId } });
  }

  #ended(error: EtcdError): void {
    const interrupted = [...this.#active.values()];
    if (this.#creating?.subscription !== undefined) interrupted.unshift(this.#creating.subscription);
    this.#avoid = this.#stream?.endpoint;
    this.#forget();
    if (isEtcdError(error, "PERMISSION_DENIED", "UNAUTHENTICATED", "UNIMPLEMENTED", "INVALID_ARGUMENT")) {
      const all = [...interrupted, ...this.#waiting];
      this.#waiting = [];
      for (const each of all) each.listener.onEnd(error);
      return;
    }
    this.#waiting = [...interrupted, ...this.#waiting];
    for (const each of interrupted) each.listener.onInterrupted(error);
    this.#proceed();
  }

  #drop(): void {
    this.#stream?.cancel();
    this.#forget();
  }

  #forget(): void {
    this.#stream = undefined;
    this.#creating = undefined;
    this.#active.clear();
    this.#cancelled.clear();
  }
}

function refusal(reason: string): EtcdError {
  const text = reason === "" ? "the server gave no reason" : reason;
  return new EtcdError(meaningOfCancelReason(reason).code, `the server ended the watch: ${text}`);
}
