import { type ChannelOptions, Client } from "@grpc/grpc-js";
import { ClientIdentity } from "./client-identity.ts";
import { failureNature } from "../errors/server-errors.ts";
import type { ConnectionEvent } from "./connection-state.ts";
import { EndpointStanding } from "./endpoint-standing.ts";
import type { EndpointUrl } from "./endpoint-url.ts";
import type { Token } from "./token.ts";
import type { Topology } from "./topology.ts";

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

/** A call or stream under way, as its endpoint sees it. */
export interface Cancellable {
  cancel(): void;
}

/**
 * One etcd member as the client reaches it: a channel for calls and another for long streams, so that neither a big
 * answer nor a paused watch holds up the other.
 */
export class Endpoint extends EndpointStanding {
  readonly address: EndpointUrl;
  /** Used only while no other endpoint works: it is on the user's list, but not on the cluster's. */
  fallback = false;
  readonly #identity: ClientIdentity;
  readonly #topology: Topology;
  readonly #running = new Set<Cancellable>();
  #calls: Client | undefined;
  #streams: Client | undefined;

  /** `onEvent` is told when it is used first, when it fails, and when it works again. */
  constructor(
    address: EndpointUrl,
    topology: Topology,
    onEvent: (event: ConnectionEvent) => void,
    identity: ClientIdentity = new ClientIdentity(),
  ) {
    super(address.url, topology, onEvent);
    this.address = address;
    this.#identity = identity;
    this.#topology = topology;
  }

  /** What calls and streams carry; undefined where there is no login, or none yet. */
  get token(): Token | undefined {
    return this.#identity.token;
  }

  /** Calls or streams are under way here. */
  get busy(): boolean {
    return this.#running.size > 0;
  }

  get calls(): Client {
    return (this.#calls ??= this.#open());
  }

  get streams(): Client {
    return (this.#streams ??= this.#open());
  }

  override failed(reason: string, startedAt: number): void {
    super.failed(reason, startedAt);
    // A balancer decides for each connection anew which member it leads to, and for the life of it.
    if (this.#topology === "proxy" && failureNature(reason) !== "unreachable") this.#renew();
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

  /**
   * As {@link renewStreams}, but leaves `used` open, since streams that are still connecting would end with it. The result
   * closes it.
   */
  leaveStreams(used: Client): () => void {
    if (this.#streams !== used) return () => {};
    this.#streams = undefined;
    return () => used.close();
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

  #renew(): void {
    this.#calls?.close();
    this.#calls = undefined;
    if (this.#streams !== undefined) this.renewStreams(this.#streams);
  }

  #open(): Client {
    const { target, secure } = this.address;
    const { security } = this.#identity;
    const options = secure ? { ...CHANNEL_OPTIONS, ...security.channelOptions } : CHANNEL_OPTIONS;
    return new Client(target, security.credentials(secure), options);
  }
}
