import { type CallOptions, type EtcdClient, EtcdError, type KeyValue } from "@quorumkit/core";
import { bounded, checkClient } from "@quorumkit/core/internal";
import { customAlphabet, nanoid } from "nanoid";
import { checkName, instanceOf, type ServiceDescription, type ServiceInstance } from "./instance.ts";
import { type CheckedOptions, checkOptions, type ServiceRegistryOptions } from "./options.ts";
import { OwnKey } from "./registration/own-key.ts";
import { Reconciler } from "./registration/reconciler.ts";
import { Registration } from "./registration/registration.ts";
import { balancerOf, type ResolveOptions } from "./resolver/options.ts";
import { Resolver } from "./resolver/resolver.ts";
import { ServiceCache } from "./resolver/service-cache.ts";
import { SharedSession } from "./shared-session.ts";
import { checkOwnOptions } from "./util/call-options.ts";

/** Ids end up in host names, command lines and URLs, so they are lower-case letters and digits. */
const randomId = customAlphabet("0123456789abcdefghijklmnopqrstuvwxyz", 16);

/**
 * Registers this process's services in etcd, and finds those of others.
 *
 * All registrations of a registry live on one lease, opened with the first of them. The constructor does no I/O.
 */
export class ServiceRegistry implements AsyncDisposable {
  readonly #etcd: EtcdClient;
  readonly #options: CheckedOptions;
  readonly #sessions: SharedSession;
  /** Until nothing of them is left. */
  readonly #registrations = new Set<Reconciler>();
  readonly #endings = new Set<Promise<void>>();
  readonly #caches = new Map<string, ServiceCache>();
  #closing: Promise<void> | undefined;

  /** @throws TypeError for no client, and for an option that is wrong */
  constructor(etcd: EtcdClient, options: ServiceRegistryOptions = {}) {
    checkClient(etcd);
    this.#etcd = etcd;
    this.#options = checkOptions(options, etcd.timeoutMs);
    this.#sessions = new SharedSession(etcd, this.#options.ttlSeconds);
  }

  /**
   * Puts an instance of a service into etcd, and keeps it there. Resolves when others can see it.
   *
   * Where a live key has the same id, it waits for that to go, as long as it may: a predecessor that crashed is gone
   * within its TTL. On failure nothing is left behind.
   * @throws TypeError for a field or option that is wrong. EtcdError `ALREADY_EXISTS` when the id is or stayed taken,
   *   etcd's refusal, or after `timeoutMs` the code and the text of what was wrong last, such as `UNAVAILABLE`; `TIMEOUT`
   *   where nothing is known.
   */
  async register(description: ServiceDescription, options: CallOptions = {}): Promise<Registration> {
    this.#assertOpen("register");
    checkOwnOptions(options, "register");
    const instance = instanceOf(description, randomId);
    const key = this.#options.codec.key(this.#options.prefix, instance.name, instance.id);
    const sameKey = [...this.#registrations].filter((each) => each.key === key);
    if (sameKey.some(({ leaving }) => !leaving)) {
      const message = `this registry has ${JSON.stringify(key)} registered already`;
      throw new EtcdError("ALREADY_EXISTS", message, { outcome: "notApplied" });
    }
    const reconciler = this.#makeReconciler(instance, key);
    const registration = new Registration(reconciler, this.#options.timeoutMs);
    // One of the same key that is still being withdrawn has to be through first, or it would withdraw the new one.
    const written = reconciler.start(Promise.all(sameKey.map(({ done }) => done)));
    this.#track(reconciler);
    await this.#untilWritten(reconciler, written, options);
    return registration;
  }

  /**
   * The instances of a service, kept right by a watch. Loads in the background: `ready()` waits for that. All resolvers of
   * one service share one watch, which ends when the last of them is closed.
   * @throws TypeError for a wrong name or option
   */
  resolve(name: string, options: ResolveOptions = {}): Resolver {
    this.#assertOpen("resolve");
    checkName(name, "name");
    const balancer = balancerOf(options);
    const { codec, prefix, timeoutMs } = this.#options;
    let cache = this.#caches.get(name);
    if (cache === undefined) {
      cache = ServiceCache.start(this.#etcd, { service: name, root: prefix, codec }, () =>
        this.#caches.delete(name),
      );
      this.#caches.set(name, cache);
    }
    return new Resolver(cache, balancer, timeoutMs);
  }

  /**
   * Deregisters everything, ends the lease and closes all resolvers. What etcd does not confirm in time goes when the
   * lease ends. May be called again.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #makeReconciler(instance: ServiceInstance, key: string): Reconciler {
    const etcd = this.#etcd;
    const sessions = this.#sessions;
    const { codec } = this.#options;
    const owner = nanoid();
    const isOurs = (kv: KeyValue): boolean => sessions.owns(kv.lease) || codec.owner(kv.value) === owner;
    const ownKey = new OwnKey(etcd, key, isOurs);
    return new Reconciler({
      etcd,
      sessions,
      key,
      ownKey,
      instance,
      encode: (each) => codec.encode(each, owner),
    });
  }

  /** On failure whatever was done is undone, in the background. */
  async #untilWritten(reconciler: Reconciler, written: Promise<void>, options: CallOptions): Promise<void> {
    const { name, id } = reconciler.instance;
    const what = `register ${JSON.stringify(name)} (${id})`;
    const { signal, timeoutMs = this.#options.timeoutMs } = options;
    try {
      await bounded(written, { what, signal, timeoutMs, lastError: () => reconciler.hindrance });
    } catch (error) {
      reconciler.leave();
      throw error;
    }
  }

  #track(reconciler: Reconciler): void {
    this.#registrations.add(reconciler);
    const ending = reconciler.done.then(async () => {
      this.#registrations.delete(reconciler);
      // The lease carries nothing any more. That it ends here also refuses a write that is still on its way.
      if (this.#registrations.size === 0) await this.#sessions.close();
    });
    this.#endings.add(ending);
    void ending.finally(() => this.#endings.delete(ending));
  }

  async #close(): Promise<void> {
    const registrations = [...this.#registrations];
    for (const registration of registrations) registration.leave();
    const leaving = Promise.all(registrations.map(({ done }) => done));
    const bounds = { what: "close", timeoutMs: this.#options.timeoutMs };
    await bounded(leaving, bounds).catch(() => Promise.all(registrations.map((each) => each.stop())));
    await Promise.all([...this.#endings, ...[...this.#caches.values()].map((cache) => cache.close())]);
    await this.#sessions.close();
  }

  #assertOpen(verb: string): void {
    if (this.#closing !== undefined) throw new EtcdError("CLOSED", `${verb}: the registry is closed`);
  }
}
