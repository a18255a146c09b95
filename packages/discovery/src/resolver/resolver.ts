import { type CallOptions, EtcdError, type MirrorState } from "@quorumkit/core";
import { Emitter } from "@quorumkit/core/internal";
import { isPickable, type ServiceInstance } from "../instance.ts";
import { checkOwnOptions } from "../util/call-options.ts";
import type { Balancer } from "./balancer.ts";
import type { InstanceChanges, InvalidInstance } from "./instance-set.ts";
import { Picked } from "./picked.ts";
import type { CacheListener, ServiceCache } from "./service-cache.ts";

/**
 * How far what a resolver knows can be trusted: `loading` before the first answer, `live` while the watch stands, `stale`
 * while it does not (what was last known goes on being served), and `closed`.
 */
export type ResolverState = MirrorState;

/** What changed, at one revision of etcd. */
export interface ResolverChange extends InstanceChanges {
  readonly revision: bigint;
}

export interface ResolverEvents {
  /** Instances came, changed or went. A removed one that was `draining` left on purpose; else its process was lost. */
  change: [change: ResolverChange];
  state: [state: ResolverState];
  /** A key's value cannot be read. It is passed over; if the key named an instance before, that stays. */
  invalid: [invalid: InvalidInstance];
}

/** The instances of one service, and a choice among them for every call. Made by {@link ServiceRegistry.resolve}. */
export class Resolver extends Emitter<ResolverEvents> implements AsyncDisposable {
  /** The service's name. */
  readonly service: string;
  readonly #cache: ServiceCache;
  readonly #balancer: Balancer;
  readonly #timeoutMs: number;
  readonly #listener: CacheListener;
  /** The ids the balancer has. */
  readonly #pickable = new Set<string>();
  #closing: Promise<void> | undefined;

  constructor(cache: ServiceCache, balancer: Balancer, timeoutMs: number) {
    super();
    this.service = cache.service;
    this.#cache = cache;
    this.#balancer = balancer;
    this.#timeoutMs = timeoutMs;
    for (const instance of cache.instances) this.#offer(instance);
    this.#listener = {
      onChange: (changes, revision) => this.#onChange(changes, revision),
      onState: (state) => this.#onState(state),
      onInvalid: (invalid) => void this.emit("invalid", invalid),
    };
    cache.add(this.#listener);
  }

  /** All instances known, those included that are never picked: `draining`, or of weight 0. Frozen. */
  get instances(): readonly ServiceInstance[] {
    return this.#cache.instances;
  }

  get state(): ResolverState {
    return this.#closing === undefined ? this.#cache.state : "closed";
  }

  /** Since when what is known may be old; undefined while it is not. */
  get staleSince(): Date | undefined {
    return this.#cache.staleSince;
  }

  /** The revision of etcd up to which all changes are known. */
  get revision(): bigint {
    return this.#cache.revision;
  }

  /** Why the list cannot be loaded or watched at the moment; undefined while it can. */
  get lastError(): EtcdError | undefined {
    return this.#cache.lastError;
  }

  /**
   * Resolves when the instances have been loaded once, also when there are none. Rejects after `timeoutMs` with the code and
   * the text of the last failure, else `TIMEOUT` (loading goes on), or when it is closed.
   */
  async ready(options: CallOptions = {}): Promise<void> {
    checkOwnOptions(options, "ready");
    if (this.#closing !== undefined) throw this.#closedError();
    await this.#cache.ready({ timeoutMs: this.#timeoutMs, ...options });
  }

  /**
   * Chooses the instance for one call; say `done()` when the call has ended. Never waits and never asks etcd.
   * @throws EtcdError `UNAVAILABLE` when no instance can be picked, `CLOSED` after `close`.
   */
  pick(): Picked {
    if (this.state === "closed") throw this.#closedError();
    const instance = this.#balancer.pick();
    if (instance === undefined)
      throw new EtcdError("UNAVAILABLE", this.#whyNone(), { cause: this.lastError });
    return new Picked(instance, this.#balancer);
  }

  /** Ends it, and the watch too if no other resolver uses it. May be called again. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await this.#cache.remove(this.#listener);
    this.emit("state", "closed");
  }

  #onState(state: ResolverState): void {
    // The registry closed the cache under us; our own close says so itself.
    if (state === "closed") this.#closing ??= Promise.resolve();
    this.emit("state", state);
  }

  #onChange({ added, updated, removed }: InstanceChanges, revision: bigint): void {
    for (const { id } of removed) this.#withdraw(id);
    for (const instance of updated) this.#offer(instance);
    for (const instance of added) this.#offer(instance);
    this.emit("change", { added, updated, removed, revision });
  }

  /** Gives the balancer what may be picked, and takes from it what may not. */
  #offer(instance: ServiceInstance): void {
    if (!isPickable(instance)) {
      this.#withdraw(instance.id);
    } else if (this.#pickable.has(instance.id)) {
      this.#balancer.replace(instance);
    } else {
      this.#pickable.add(instance.id);
      this.#balancer.add(instance);
    }
  }

  #withdraw(id: string): void {
    if (this.#pickable.delete(id)) this.#balancer.remove(id);
  }

  #whyNone(): string {
    const name = JSON.stringify(this.service);
    if (this.revision === 0n) return `the instances of ${name} are not loaded yet; wait for ready()`;
    const { length } = this.instances;
    if (length === 0) return `${name} has no instance`;
    return `${name} has ${length} instances, and none of them takes calls: they drain, or have weight 0`;
  }

  #closedError(): EtcdError {
    return new EtcdError("CLOSED", `the resolver of ${JSON.stringify(this.service)} is closed`);
  }
}
