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

const SET_ASIDE = { initialMs: 50, maxMs: 2_000 };

/**
 * One etcd member as the client reaches it: a channel for calls and another for long streams, so that neither a big
 * answer nor a paused watch holds up the other. After a failure the endpoint is set aside for a growing time.
 */
export class Endpoint {
  readonly url: string;
  readonly #address: EndpointUrl;
  #calls: Client | undefined;
  #streams: Client | undefined;
  #failures = 0;
  #failedAt = 0;
  #retryAt = 0;
  #lastError: string | undefined;

  constructor(address: EndpointUrl) {
    this.url = address.url;
    this.#address = address;
  }

  get calls(): Client {
    return (this.#calls ??= this.#open());
  }

  get streams(): Client {
    return (this.#streams ??= this.#open());
  }

  /** When this endpoint may be used again, on `performance.now()`'s scale. */
  get retryAt(): number {
    return this.#retryAt;
  }

  get lastError(): string | undefined {
    return this.#lastError;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#retryAt = 0;
    this.#lastError = undefined;
  }

  /** Sets the endpoint aside. What began before the last failure was noticed belongs to that failure, not to a new one. */
  failed(reason: string, startedAt: number): void {
    this.#lastError = reason;
    if (startedAt < this.#failedAt) return;
    this.#failedAt = performance.now();
    this.#retryAt = this.#failedAt + backoffMs(this.#failures, SET_ASIDE);
    this.#failures += 1;
  }

  /** Gives later streams a connection of their own; those that run keep theirs until they end. */
  renewStreams(): void {
    this.#streams?.close();
    this.#streams = undefined;
  }

  close(): void {
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
