import type { StandardSchemaV1 } from "@standard-schema/spec";
import { type EtcdClient, EtcdError } from "@quorumkit/core";
import { checkClient, Emitter, Scope, signalOption, timeoutOption } from "@quorumkit/core/internal";
import { Follower } from "./follower.ts";
import { parseJson } from "./json.ts";
import { keyOf } from "./layers.ts";
import { type ConfigOptions, type ConfigSettings, readOptions } from "./options.ts";
import {
  checkLayer,
  publish,
  type PublishOptions,
  type PublishResult,
  readPublication,
  schemaOf,
} from "./publish.ts";
import type {
  ConfigEmitter,
  ConfigEvents,
  ConfigRejection,
  ConfigSnapshot,
  ConfigState,
  DocumentName,
  Documents,
  DocumentValue,
  LayerValue,
} from "./types.ts";

/** A listener, to the emitter, which does not know the caller's types. */
type AnyListener = (payload: unknown) => void;

/** What one layer holds of a document, as {@link ConfigCenter.stored} gives it. */
export interface StoredValue {
  readonly key: string;
  /** The revision of the last write, `0n` where there is no value: what `ifRevision` of `publish()` wants. */
  readonly revision: bigint;
  /** The JSON value, not validated; undefined where there is none, or where it is not JSON. */
  readonly value: unknown;
}

/**
 * Live configuration: documents in etcd, merged from layers, validated by schemas, read synchronously.
 *
 * What `get()` gives has always been accepted by the schemas, all documents together, at one revision. A state with an
 * invalid document never replaces it: it is reported by the event `rejected` and by {@link ConfigCenter.rejections},
 * and the newest state goes live as soon as it is valid as a whole.
 */
export class ConfigCenter<D extends Documents> implements AsyncDisposable {
  readonly #etcd: EtcdClient;
  readonly #settings: ConfigSettings;
  readonly #follower: Follower;
  /** The types of the documents are known to the caller only; everything inside handles them by name. */
  readonly #emitter: ConfigEmitter;
  readonly #publishing = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  private constructor(
    etcd: EtcdClient,
    settings: ConfigSettings,
    follower: Follower,
    emitter: ConfigEmitter,
  ) {
    this.#etcd = etcd;
    this.#settings = settings;
    this.#follower = follower;
    this.#emitter = emitter;
  }

  /**
   * Loads the documents and follows them from then on, until {@link ConfigCenter.close}.
   * @throws TypeError for a wrong option; EtcdError `TIMEOUT` or `UNAVAILABLE` when etcd does not answer in time,
   * `INVALID_ARGUMENT` when a stored document is invalid: {@link configRejections} then gives what is wrong with it.
   */
  static async open<D extends Documents>(
    etcd: EtcdClient,
    options: ConfigOptions<D>,
  ): Promise<ConfigCenter<D>> {
    checkClient(etcd);
    const settings = readOptions(options);
    const deadline = new Scope([], {
      what: "ConfigCenter.open",
      signal: signalOption(options.signal),
      timeoutMs: timeoutOption(options.timeoutMs, etcd.timeoutMs),
    });
    const emitter: ConfigEmitter = new Emitter();
    try {
      const follower = await Follower.start(etcd, settings, emitter, deadline);
      return new ConfigCenter<D>(etcd, settings, follower, emitter);
    } finally {
      deadline.close();
    }
  }

  /** The effective value of a document: frozen, and the same object until it changes. */
  get<N extends DocumentName<D>>(document: N): DocumentValue<D, N> {
    schemaOf(this.#settings, document);
    return this.snapshot().documents[document];
  }

  /** All documents at one revision: what a request takes once if it must not see a change halfway. */
  snapshot(): ConfigSnapshot<D> {
    return this.#follower.snapshot as ConfigSnapshot<D>;
  }

  /** What holds the newest stored state back, by document. Empty when that state is live. */
  get rejections(): readonly ConfigRejection<DocumentName<D>>[] {
    return this.#follower.rejections;
  }

  /** Whether `get()` follows etcd. */
  get state(): ConfigState {
    return this.#follower.freshness.state;
  }

  /** Since when `get()` may be behind etcd; undefined while it is not. Its distance from now is the age. */
  get staleSince(): Date | undefined {
    return this.#follower.freshness.staleSince;
  }

  /** Why `get()` may be behind: etcd cannot be followed, or a schema does not answer. Undefined while nothing is wrong. */
  get lastError(): EtcdError | undefined {
    return this.#follower.lastError;
  }

  /** What one layer holds of a document now, valid or not. */
  stored(document: DocumentName<D>, layer: string): StoredValue {
    schemaOf(this.#settings, document);
    checkLayer(this.#settings, layer);
    const key = keyOf(this.#settings, layer, document);
    const kv = this.#follower.mirror.get(key);
    const parsed = kv === undefined ? undefined : parseJson(kv.value);
    const value = parsed !== undefined && "value" in parsed ? parsed.value : undefined;
    return { key, revision: kv?.modRevision ?? 0n, value };
  }

  /**
   * Writes one layer's value of a document, after the schema has accepted what the layers come to together. Waits, as
   * long as there is time, until `get()` of this center gives it.
   * @param value what the layer is to hold, as JSON: any part of the document
   * @throws TypeError for a wrong argument; EtcdError `INVALID_ARGUMENT` when the schema refuses the result (see
   * {@link configRejections}), `FAILED_PRECONDITION` when `ifRevision` does not hold; both before anything is written.
   */
  async publish<N extends DocumentName<D>>(
    document: N,
    value: LayerValue<StandardSchemaV1.InferInput<D[N]>>,
    options: PublishOptions,
  ): Promise<PublishResult> {
    const publication = readPublication(this.#settings, document, value, options);
    const deadline = new Scope([], {
      what: "publish",
      signal: signalOption(options.signal),
      timeoutMs: timeoutOption(options.timeoutMs, this.#etcd.timeoutMs),
      // Only steps without an effect on etcd race against it, so nothing has been applied when it wins.
      outcome: "notApplied",
    });
    try {
      if (this.#follower.closed) {
        throw new EtcdError("CLOSED", "publish: the center is closed", { outcome: "notApplied" });
      }
      const writing = publish(this.#etcd, this.#settings, publication, deadline);
      this.#publishing.add(writing);
      const revision = await writing.finally(() => this.#publishing.delete(writing));
      return { revision, live: await this.#follower.reached(revision, deadline.signal) };
    } finally {
      deadline.close();
    }
  }

  /**
   * Calls `listener` at every event of a kind. `change` comes once for each document that changed, after `get()` gives
   * the new value, never for the first load. `rejected` comes once for each invalid document of a state that is held
   * back. `state` comes with the new state. A listener that throws is an uncaught exception, as with any emitter; it
   * hinders neither the other listeners nor the center.
   */
  on<E extends keyof ConfigEvents<D>>(event: E, listener: (payload: ConfigEvents<D>[E]) => void): this {
    this.#emitter.on(event, listener as AnyListener);
    return this;
  }

  /** As {@link ConfigCenter.on}, for the next event only. */
  once<E extends keyof ConfigEvents<D>>(event: E, listener: (payload: ConfigEvents<D>[E]) => void): this {
    this.#emitter.once(event, listener as AnyListener);
    return this;
  }

  /** Takes a listener away. */
  off<E extends keyof ConfigEvents<D>>(event: E, listener: (payload: ConfigEvents<D>[E]) => void): this {
    this.#emitter.off(event, listener as AnyListener);
    return this;
  }

  /**
   * Follows etcd no longer. Waits for a write that is under way, and for a validation too, but not longer than the client's
   * `timeoutMs`: nothing comes of it any more. `get()` keeps giving the last state. May be called more than once.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await this.#follower.close();
    await Promise.allSettled(this.#publishing);
    this.#emitter.removeAllListeners();
  }
}
