import { type CallOptions, EtcdError, isEtcdError } from "@quorumkit/core";
import { bounded, Emitter, MAX_TIMER_MS, numberOption, pause } from "@quorumkit/core/internal";
import { asDraining, type InstanceUpdate, type ServiceInstance, withUpdate } from "../instance.ts";
import { checkOwnOptions } from "../util/call-options.ts";
import type { Reconciler } from "./reconciler.ts";
import type { RegistrationState } from "./state.ts";

export interface RegistrationEvents {
  /** The state changed, or a try failed without changing it; `reason` says what was wrong, where something was. */
  state: [state: RegistrationState, reason: EtcdError | undefined];
}

export interface DrainOptions extends CallOptions {
  /**
   * How long the instance stays in etcd as `draining`, in milliseconds: time for clients to hear of it, and for calls
   * under way to end. Default 5000.
   */
  readonly forMs?: number;
}

const DEFAULT_DRAIN_MS = 5_000;

/**
 * One instance of a service in etcd. It comes back by itself after whatever happened to its key, its lease or etcd,
 * until {@link Registration.deregister}. Made by {@link ServiceRegistry.register}.
 */
export class Registration extends Emitter<RegistrationEvents> implements AsyncDisposable {
  readonly #reconciler: Reconciler;
  readonly #timeoutMs: number;

  constructor(reconciler: Reconciler, timeoutMs: number) {
    super();
    this.#reconciler = reconciler;
    this.#timeoutMs = timeoutMs;
    reconciler.listen((state, reason) => this.emit("state", state, reason));
  }

  /** Its key in etcd. */
  get key(): string {
    return this.#reconciler.key;
  }

  /** The instance's id. */
  get id(): string {
    return this.instance.id;
  }

  /** The instance as it is wanted; etcd has it when the last `update` or `drain` has resolved. */
  get instance(): ServiceInstance {
    return this.#reconciler.instance;
  }

  get state(): RegistrationState {
    return this.#reconciler.state;
  }

  /** Why it is lost, or why the last try failed; undefined while all is well. */
  get lastError(): EtcdError | undefined {
    return this.#reconciler.lastError;
  }

  /**
   * Changes some fields of the instance. Resolves when etcd has them. When `timeoutMs` or `signal` ends the wait, the
   * change is still wanted, and is written as soon as etcd takes it; what etcd refuses is taken back.
   * @throws TypeError for a field that is wrong; then nothing changes. EtcdError `CLOSED` after `deregister`.
   */
  async update(update: InstanceUpdate, options: CallOptions = {}): Promise<void> {
    checkOwnOptions(options, "update");
    await this.#write(withUpdate(this.instance, update), "update", options);
  }

  /**
   * Takes the instance out gently: it stays in etcd as `draining` for `forMs`, so that resolvers stop picking it while it
   * still answers, then it is deregistered. When `signal` ends it early, it stays `draining`. Before and after the wait,
   * etcd has `timeoutMs` to answer.
   */
  async drain(options: DrainOptions = {}): Promise<void> {
    checkOwnOptions(options, "drain", ["forMs"]);
    const forMs = numberOption(options.forMs, "forMs", {
      min: 0,
      max: MAX_TIMER_MS,
      fallback: DEFAULT_DRAIN_MS,
    });
    await this.#write(asDraining(this.instance), "drain", options).catch((error: unknown) => {
      // Being deregistered meanwhile, or before, is what this is for.
      if (!this.#reconciler.leaving || !isEtcdError(error, "CLOSED")) throw error;
    });
    await this.#wait(forMs, options.signal);
    await this.#leave("drain", options);
  }

  /**
   * Ends the registration: its key is deleted, and only if it is still its own. May be called again. When
   * `timeoutMs` or `signal` ends the wait, it goes on in the background until etcd has confirmed, or the registry or the
   * client is closed; what is left then goes with the lease.
   */
  async deregister(options: CallOptions = {}): Promise<void> {
    checkOwnOptions(options, "deregister");
    await this.#leave("deregister", options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.deregister();
  }

  async #write(next: ServiceInstance, verb: string, options: CallOptions): Promise<void> {
    const reconciler = this.#reconciler;
    if (reconciler.leaving) {
      throw new EtcdError("CLOSED", `${this.#what(verb)}: it was deregistered before`, {
        outcome: "notApplied",
      });
    }
    const previous = reconciler.instance;
    const written = reconciler.want(next);
    // Of the writing itself, not of the wait for it: that may end first, with the same code.
    written.catch((error: unknown) => {
      if (reconciler.instance === next && !isEtcdError(error, "CLOSED")) {
        void reconciler.want(previous).catch(() => undefined);
      }
    });
    await this.#bounded(written, verb, options);
  }

  async #wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
    const over = new AbortController();
    try {
      await bounded(Promise.race([pause(ms, over.signal), this.#reconciler.done]), {
        what: this.#what("drain"),
        signal,
      });
    } finally {
      over.abort();
    }
  }

  async #leave(verb: string, options: CallOptions): Promise<void> {
    this.#reconciler.leave();
    await this.#bounded(this.#reconciler.done, verb, options);
  }

  #bounded(
    promise: Promise<void>,
    verb: string,
    { signal, timeoutMs = this.#timeoutMs }: CallOptions,
  ): Promise<void> {
    const lastError = (): EtcdError | undefined => this.#reconciler.hindrance;
    return bounded(promise, { what: this.#what(verb), signal, timeoutMs, lastError });
  }

  #what(verb: string): string {
    return `${verb} ${JSON.stringify(this.instance.name)} (${this.id})`;
  }
}
