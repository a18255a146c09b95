import { type ChannelOptions, Client, credentials } from "@grpc/grpc-js";
import { backoffMs } from "../util/backoff.ts";
import type { EndpointUrl } from "./endpoint-url.ts";

const CHANNEL_OPTIONS: ChannelOptions = {
  // A dead peer says nothing: only pings find it. etcd closes connections that ping more often than every 5 s, or
  // while no call is active.
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 5_000,
  "grpc.keepalive_permit_without_calls": 0,
  // A range answer may be far larger than grpc-js' 4 MiB.
  "grpc.max_receive_message_length": -1,
  "grpc.max_send_message_length": -1,
  // The client decides what may be sent again (see rpcs.ts); grpc-js must not.
  "grpc.enable_retries": 0,
  "grpc.enable_http_proxy": 0,
  "grpc.enable_channelz": 0,
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.min_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 1_000,
  // Without a pool of its own a channel shares its connection with every other channel to the same address.
  "grpc.use_local_subchannel_pool": 1,
};

const SET_ASIDE = { initialMs: 50, maxMs: 1_000 };

/** By then pings have found out what became of a connection that hangs. */
const SUSPECT_FOR_MS = 30_000;

/** A call or stream under way, as its endpoint sees it. */
export interface Cancellable {
  cancel(): void;
}

/**
 * One etcd member as the client reaches it: a channel for calls and another for long streams, so that neither a big
 * answer nor a paused watch holds up the other. After a failure the endpoint is set aside; from then on it is tried by
 * one call at a time, at growing intervals, until one succeeds.
 */
export class Endpoint {
  readonly url: string;
  readonly #address: EndpointUrl;
  readonly #onRecovered: () => void;
  readonly #running = new Set<Cancellable>();
  #calls: Client | undefined;
  #streams: Client | undefined;
  /** How often it was tried and found failing since it last worked. */
  #failures = 0;
  #failedAt = 0;
  #retryAt = 0;
  #lastError: string | undefined;

  /** `onRecovered` is called when it works again after it failed. */
  constructor(address: EndpointUrl, onRecovered: () => void) {
    this.url = address.url;
    this.#address = address;
    this.#onRecovered = onRecovered;
  }

  get calls(): Client {
    return (this.#calls ??= this.#open());
  }

  get streams(): Client {
    return (this.#streams ??= this.#open());
  }

  /** It failed lately and has not worked since. */
  get suspect(): boolean {
    return this.#failures > 0 && performance.now() - this.#failedAt < SUSPECT_FOR_MS;
  }

  /** When this endpoint may be used again, on `performance.now()`'s scale. */
  get retryAt(): number {
    return this.#retryAt;
  }

  get lastError(): string | undefined {
    return this.#lastError;
  }

  /**
   * Reserves an endpoint that failed for the one call that tries it: a member that hangs would otherwise take its share of
   * all calls down with it.
   */
  claim(): void {
    if (this.#failures === 0) return;
    this.#retryAt = performance.now() + backoffMs(this.#failures, SET_ASIDE);
    this.#failures += 1;
  }

  succeeded(): void {
    if (this.#failures === 0) return;
    this.#failures = 0;
    this.#retryAt = 0;
    this.#lastError = undefined;
    this.#onRecovered();
  }

  /** Sets the endpoint aside. What began before the last failure was noticed belongs to that failure, not to a new one. */
  failed(reason: string, startedAt: number): void {
    this.#lastError = reason;
    if (startedAt < this.#failedAt) return;
    this.#failedAt = performance.now();
    this.#failures = Math.max(1, this.#failures);
    this.#retryAt = this.#failedAt + backoffMs(this.#failures - 1, SET_ASIDE);
  }

  /**
   * Gives later streams a new connection instead of `used`, unless they have one already. Streams that still run keep
   * theirs until they end.
   */
  renewStreams(used: Client): void {
    if (this.#streams !== used) return;
    used.close();
    this.#streams = undefined;
  }

  /** Remembers what runs here, since closing a channel does not end it; the result forgets it again. */
  track(running: Cancellable): () => void {
    this.#running.add(running);
    return () => void this.#running.delete(running);
  }

  /** Ends the calls and streams under way. */
  cancelAll(): void {
    for (const each of this.#running) each.cancel();
  }

  close(): void {
    this.cancelAll();
    this.#calls?.close();
    this.#streams?.close();
  }

  #open(): Client {
    const { target, secure } = this.#address;
    return new Client(
      target,
      secure ? credentials.createSsl() : credentials.createInsecure(),
      CHANNEL_OPTIONS,
    );
  }
}
