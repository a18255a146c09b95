import { type ChannelCredentials, type ChannelOptions, Client, connectivityState } from "@grpc/grpc-js";
import { ClientIdentity } from "./client-identity.ts";
import { failureNature } from "../errors/server-errors.ts";
import type { ConnectionEvent } from "./connection-state.ts";
import { checkHealth } from "./endpoint-health.ts";
import { EndpointStanding } from "./endpoint-standing.ts";
import type { EndpointUrl } from "./endpoint-url.ts";
import type { Token } from "./token.ts";
import type { Topology } from "./topology.ts";

const CHANNEL_OPTIONS: ChannelOptions = {
  // How often is an option (see ping-options.ts). etcd closes connections that ping while no call is active.
  "grpc.keepalive_permit_without_calls": 0,
  // A range answer may be far larger than grpc-js' 4 MiB, so what is received has no limit either, unless it is set.
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

/** A connection that answers nothing for so long, not even a health check, is taken for a dead one. */
const SILENT_MS = 1_000;

/** No new connection for calls sooner than this after the last, however many calls go unanswered. */
const RENEW_CALLS_EVERY_MS = 2_000;

/** A call or stream under way, as its endpoint sees it. */
export interface Cancellable {
  cancel(): void;
  /** The connection of this channel is dead: it ends what is on it, so that it can go on elsewhere. */
  connectionLost?(used: Client, reason: string): void;
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
  readonly #onEvent: (event: ConnectionEvent) => void;
  readonly #maxResponseBytes: number | undefined;
  readonly #running = new Set<Cancellable>();
  #calls: Client | undefined;
  #streams: Client | undefined;
  #callsOpenedAt = -Infinity;
  #callsHeardAt = -Infinity;
  readonly #madeWith = new WeakMap<Client, ChannelCredentials>();
  readonly #looking = new Set<Client>();

  /** `onEvent` is told when it is used first, when it fails, and when it works again. */
  constructor(
    address: EndpointUrl,
    topology: Topology,
    onEvent: (event: ConnectionEvent) => void,
    identity: ClientIdentity = new ClientIdentity(),
    maxResponseBytes?: number,
  ) {
    super(address.url, topology, onEvent);
    this.address = address;
    this.#identity = identity;
    this.#topology = topology;
    this.#onEvent = onEvent;
    this.#maxResponseBytes = maxResponseBytes;
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
    if (this.#calls === undefined) {
      this.#calls = this.#open();
      this.#callsOpenedAt = performance.now();
    }
    return this.#calls;
  }

  get streams(): Client {
    return (this.#streams ??= this.#open());
  }

  /**
   * Comes before whatever may make a connection: where TLS is from files and the channel is not connected, they are read
   * again, and a channel that was made with others is replaced. Undefined where there is nothing to wait for.
   */
  refresh(kind: "calls" | "streams"): Promise<void> | undefined {
    if (!this.#readsFiles || isUp(kind === "calls" ? this.#calls : this.#streams)) return undefined;
    return this.#refresh();
  }

  override failed(reason: string, startedAt: number): void {
    super.failed(reason, startedAt);
    this.#leaveFailed();
    // A balancer decides for each connection anew which member it leads to, and for the life of it.
    if (this.#topology === "proxy" && failureNature(reason) !== "unreachable") this.#renew();
  }

  override checkFailed(reason: string, startedAt: number): void {
    super.checkFailed(reason, startedAt);
    this.#leaveFailed();
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

  /** Something came over the channel for calls, if only a refusal. */
  callHeard(): void {
    this.#callsHeardAt = performance.now();
  }

  /**
   * A call that began then got no answer in time. Where nothing else came over its channel either, its connection may be
   * dead: later calls get a new one. Those that run keep theirs. The streams' connection is looked at, too.
   */
  callUnheard(startedAt: number): void {
    const used = this.#calls;
    if (used === undefined || this.#callsHeardAt >= startedAt || this.#callsOpenedAt >= startedAt) return;
    if (used.getChannel().getConnectivityState(false) !== connectivityState.READY) return;
    if (this.#streams !== undefined) void this.#lookAt(this.#streams);
    if (performance.now() - this.#callsOpenedAt < RENEW_CALLS_EVERY_MS) return;
    used.close();
    this.#calls = undefined;
  }

  /** A stream of this channel hangs. Later ones get a new connection; those beside it end if the old one is dead. */
  streamUnheard(used: Client): void {
    const close = this.leaveStreams(used);
    void this.#lookAt(used).then(close);
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

  async #lookAt(used: Client): Promise<void> {
    if (this.#looking.has(used)) return;
    this.#looking.add(used);
    const closed = new AbortController();
    const untrack = this.track({ cancel: () => closed.abort() });
    const health = await checkHealth(used, { timeoutMs: SILENT_MS, signal: closed.signal });
    untrack();
    this.#looking.delete(used);
    if (health.healthy || health.answered || closed.signal.aborted) return;
    this.renewStreams(used);
    for (const each of this.#running) each.connectionLost?.(used, "its connection is dead");
  }

  get #readsFiles(): boolean {
    return this.address.secure && this.#identity.security.fromFiles;
  }

  async #refresh(): Promise<void> {
    const { security } = this.#identity;
    await security.refresh();
    this.#onEvent({ type: "tls", error: security.fileError });
    const current = security.credentials(true);
    this.#leave((used) => !isUp(used) && this.#madeWith.get(used) !== current);
  }

  /** A channel that found no connection tries again by itself, with the files as they were. */
  #leaveFailed(): void {
    if (!this.#readsFiles) return;
    this.#leave(
      (used) => used.getChannel().getConnectivityState(false) === connectivityState.TRANSIENT_FAILURE,
    );
  }

  #leave(which: (used: Client) => boolean): void {
    if (this.#calls !== undefined && which(this.#calls)) {
      this.#calls.close();
      this.#calls = undefined;
    }
    if (this.#streams !== undefined && which(this.#streams)) this.renewStreams(this.#streams);
  }

  #renew(): void {
    this.#calls?.close();
    this.#calls = undefined;
    if (this.#streams !== undefined) this.renewStreams(this.#streams);
  }

  #open(): Client {
    const { target, secure } = this.address;
    const { security, pings } = this.#identity;
    const options = {
      ...CHANNEL_OPTIONS,
      "grpc.max_receive_message_length": this.#maxResponseBytes ?? -1,
      "grpc.keepalive_time_ms": pings.everyMs,
      "grpc.keepalive_timeout_ms": pings.timeoutMs,
      ...(secure ? security.channelOptions : {}),
    };
    const credentials = security.credentials(secure);
    const client = new Client(target, credentials, options);
    this.#madeWith.set(client, credentials);
    if (this.#readsFiles) onDisconnect(client, () => this.#leave((used) => used === client));
    return client;
  }
}

/** Calls `listener` when the channel has no connection any more, before it makes another one by itself. */
function onDisconnect(client: Client, listener: () => void): void {
  const channel = client.getChannel();
  let before = channel.getConnectivityState(false);
  const look = (): void => {
    const state = channel.getConnectivityState(false);
    if (state === connectivityState.SHUTDOWN) return;
    // Not from within the change, which is still being told to others.
    if (state === connectivityState.IDLE && before !== state) queueMicrotask(listener);
    before = state;
    channel.watchConnectivityState(state, Infinity, look);
  };
  look();
}

/** Connected, or about to be. */
function isUp(client: Client | undefined): boolean {
  const state = client?.getChannel().getConnectivityState(false);
  return state === connectivityState.READY || state === connectivityState.CONNECTING;
}
