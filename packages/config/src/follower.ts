import { type EtcdClient, EtcdError, Mirror } from "@quorumkit/core";
import { type Scope, settleWithin } from "@quorumkit/core/internal";
import { refusedError } from "./errors.ts";
import { Freshness } from "./freshness.ts";
import { keysOf } from "./layers.ts";
import type { ConfigSettings } from "./options.ts";
import { Pipeline } from "./pipeline.ts";
import { type Outcome, SnapshotBuilder } from "./snapshot.ts";
import type { ConfigEmitter, ConfigRejection, ConfigSnapshot, Documents } from "./types.ts";

/** Follows the keys of a center and holds the newest valid snapshot of them. */
export class Follower {
  readonly mirror: Mirror;
  readonly freshness: Freshness;
  readonly #settings: ConfigSettings;
  readonly #emitter: ConfigEmitter;
  readonly #builder: SnapshotBuilder;
  readonly #timeoutMs: number;
  readonly #pipeline: Pipeline;
  #snapshot: ConfigSnapshot<Documents> | undefined;
  #rejections: readonly ConfigRejection[] = [];
  #closing: Promise<void> | undefined;

  private constructor(mirror: Mirror, settings: ConfigSettings, emitter: ConfigEmitter, timeoutMs: number) {
    this.mirror = mirror;
    this.#settings = settings;
    this.#emitter = emitter;
    this.#timeoutMs = timeoutMs;
    this.#builder = new SnapshotBuilder(settings);
    this.#pipeline = new Pipeline({
      build: (state) => this.#builder.build(state),
      limitMs: timeoutMs,
      overdue: () => this.freshness.update(),
      deliver: (outcome) => this.#deliver(outcome),
      idle: () => this.freshness.update(),
    });
    this.freshness = new Freshness({ mirror, pipeline: this.#pipeline }, (state) => {
      emitter.emit("state", state);
    });
  }

  /**
   * Loads the keys and follows them. Resolves with the first snapshot, when it is followed or known to be stale. When it
   * rejects, nothing is left running but a validation that may be stuck.
   */
  static async start(
    etcd: EtcdClient,
    settings: ConfigSettings,
    emitter: ConfigEmitter,
    deadline: Scope,
  ): Promise<Follower> {
    // One mirror over all layers: what one transaction writes into several of them arrives as one change.
    const mirror = Mirror.start(etcd, { prefix: `${settings.prefix}/` });
    const follower = new Follower(mirror, settings, emitter, etcd.timeoutMs);
    try {
      await follower.#load(deadline);
      return follower;
    } catch (error) {
      follower.#pipeline.stop();
      await mirror.close();
      throw error;
    }
  }

  get rejections(): readonly ConfigRejection[] {
    return this.#rejections;
  }

  /** Why the snapshot may be behind; undefined while nothing is wrong. */
  get lastError(): EtcdError | undefined {
    if (this.mirror.lastError !== undefined) return this.mirror.lastError;
    if (this.#pipeline.overdueSince === undefined) return undefined;
    const documents = this.#builder.asking.map((document) => JSON.stringify(document)).join(", ");
    return new EtcdError(
      "TIMEOUT",
      `the schema of ${documents} has not answered within ${this.#timeoutMs} ms`,
    );
  }

  get closed(): boolean {
    return this.#closing !== undefined;
  }

  get snapshot(): ConfigSnapshot<Documents> {
    if (this.#snapshot === undefined) throw new Error("unreachable: start() resolves with a snapshot");
    return this.#snapshot;
  }

  /** Resolves when this revision has been dealt with, on abort, or at the end. Says whether the snapshot has it. */
  async reached(revision: bigint, signal: AbortSignal): Promise<boolean> {
    await this.#pipeline.settled(revision, signal);
    return this.snapshot.revision >= revision;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.freshness.close();
    this.#pipeline.stop();
    await this.mirror.close();
    await settleWithin(this.#pipeline.idle(), this.#timeoutMs);
  }

  async #load(deadline: Scope): Promise<void> {
    await this.mirror.ready(deadline.callOptions());
    this.mirror.on("change", () => this.#capture());
    this.mirror.on("state", () => this.#mirrorStateChanged());
    this.#capture();
    await deadline.race(this.#pipeline.idle());
    if (this.#snapshot === undefined) throw refusedError("ConfigCenter.open", this.#rejections);
  }

  #mirrorStateChanged(): void {
    // The mirror ends by itself when the client it runs on is closed.
    if (this.mirror.state === "closed") void this.close();
    // A listing after an outage may find nothing changed, at a later revision: the snapshot moves there too.
    else if (this.mirror.state === "live") this.#capture();
    this.freshness.update();
  }

  #capture(): void {
    const entries = new Map<string, { value: Uint8Array; modRevision: bigint }>();
    for (const document of this.#settings.schemas.keys()) {
      for (const key of keysOf(this.#settings, document)) {
        const kv = this.mirror.get(key);
        if (kv !== undefined) entries.set(key, kv);
      }
    }
    this.#pipeline.submit({ revision: this.mirror.revision, entries });
  }

  #deliver(outcome: Outcome): void {
    if (outcome.accepted) {
      this.#snapshot = outcome.snapshot;
      this.#rejections = [];
      for (const change of outcome.changes) this.#emitter.emit("change", change);
    } else {
      this.#rejections = outcome.rejections;
      if (outcome.news) for (const rejection of outcome.rejections) this.#emitter.emit("rejected", rejection);
    }
  }
}
