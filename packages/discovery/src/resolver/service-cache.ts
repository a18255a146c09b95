import {
  type CallOptions,
  type EtcdClient,
  type EtcdError,
  Mirror,
  type MirrorChange,
  type MirrorState,
} from "@quorumkit/core";
import type { EncodedInstance, InstanceCodec } from "../codec/codec.ts";
import type { ServiceInstance } from "../instance.ts";
import { type InstanceChanges, InstanceSet, type InvalidInstance, type KeyChange } from "./instance-set.ts";

/** Someone the cache tells what happens. */
export interface CacheListener {
  onChange(changes: InstanceChanges, revision: bigint): void;
  onState(state: MirrorState): void;
  onInvalid(invalid: InvalidInstance): void;
}

export interface ServiceCacheParts {
  readonly service: string;
  readonly root: string;
  readonly codec: InstanceCodec;
}

/**
 * The instances of one service, shared by all its resolvers: one watch, every value read once, and etcd never asked
 * because of an event. What was last known stays while etcd is away.
 */
export class ServiceCache {
  readonly service: string;
  readonly #prefix: string;
  readonly #mirror: Mirror;
  readonly #set: InstanceSet;
  readonly #onClosed: () => void;
  readonly #listeners = new Set<CacheListener>();
  #closing: Promise<void> | undefined;

  constructor({ service, root, codec }: ServiceCacheParts, mirror: Mirror, onClosed: () => void) {
    this.service = service;
    this.#prefix = codec.prefix(root, service);
    this.#mirror = mirror;
    this.#set = new InstanceSet((entry) => codec.decode(entry));
    this.#onClosed = onClosed;
  }

  /** Starts to load. `onClosed` is called when the last listener has gone. */
  static start(etcd: EtcdClient, parts: ServiceCacheParts, onClosed: () => void): ServiceCache {
    const mirror = Mirror.start(etcd, { prefix: parts.codec.prefix(parts.root, parts.service) });
    const cache = new ServiceCache(parts, mirror, onClosed);
    mirror.on("change", (change) => cache.#apply(change));
    mirror.on("state", (state) => cache.#tell((listener) => listener.onState(state)));
    return cache;
  }

  get instances(): readonly ServiceInstance[] {
    return this.#set.instances;
  }

  get state(): MirrorState {
    return this.#mirror.state;
  }

  get revision(): bigint {
    return this.#mirror.revision;
  }

  get staleSince(): Date | undefined {
    return this.#mirror.staleSince;
  }

  get lastError(): EtcdError | undefined {
    return this.#mirror.lastError;
  }

  ready(options: CallOptions): Promise<void> {
    return this.#mirror.ready(options);
  }

  add(listener: CacheListener): void {
    this.#listeners.add(listener);
  }

  /** Ends the cache when it was the last. */
  async remove(listener: CacheListener): Promise<void> {
    this.#listeners.delete(listener);
    if (this.#listeners.size === 0) await this.close();
  }

  /** Ends the watch; all listeners hear of the state `closed`. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#onClosed();
    await this.#mirror.close();
    this.#listeners.clear();
  }

  #apply({ changes, revision }: MirrorChange): void {
    const onInvalid = (invalid: InvalidInstance): void =>
      this.#tell((listener) => listener.onInvalid(invalid));
    const difference = this.#set.apply(
      changes.map((change) => this.#keyChange(change)),
      onInvalid,
    );
    if (difference !== undefined) this.#tell((listener) => listener.onChange(difference, revision));
  }

  #keyChange({ key, kv }: MirrorChange["changes"][number]): KeyChange {
    const entry: EncodedInstance | undefined =
      kv === undefined
        ? undefined
        : { service: this.service, name: key.slice(this.#prefix.length), value: kv.value };
    return { key, entry };
  }

  #tell(call: (listener: CacheListener) => void): void {
    // A copy: who is told may leave, or bring somebody new.
    const listeners = [...this.#listeners];
    for (const listener of listeners) call(listener);
  }
}
