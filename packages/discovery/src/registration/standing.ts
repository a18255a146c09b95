import { type EtcdClient, EtcdError, Mirror, type Session } from "@quorumkit/core";
import { onAbort } from "@quorumkit/core/internal";
import { type Claim, isAsClaimed, type Written } from "./own-key.ts";

/**
 * What proves that a registration stands: the session it lives on, what was written last, and a watch on the key. Any
 * news only calls `onNews`; whoever is called looks again.
 */
export class Standing {
  readonly #key: string;
  readonly #mirror: Mirror;
  readonly #onNews: () => void;
  #session: Session | undefined;
  #unfollow: () => void = () => {};
  #written: Written | undefined;
  #stands = false;
  /** How far the mirror was when it last told something. */
  #reached = 0n;
  /** Whether the mirror has been where the key was written last, or has gone back. */
  #caughtUp = false;
  /** What was written when the mirror became stale. */
  #atStake: Written | undefined;

  constructor(key: string, mirror: Mirror, onNews: () => void) {
    this.#key = key;
    this.#mirror = mirror;
    this.#onNews = onNews;
  }

  /** Starts to watch the key. */
  static start(etcd: EtcdClient, key: string, onNews: () => void): Standing {
    const mirror = Mirror.start(etcd, key);
    const standing = new Standing(key, mirror, onNews);
    mirror.on("change", () => standing.#follow());
    // Also when it gets live again: then etcd answers again, and a wait for that can end.
    mirror.on("state", () => standing.#follow());
    return standing;
  }

  /** The key was written, on the lease of `session`. */
  confirm(written: Written, session: Session): void {
    this.#written = written;
    this.#stands = true;
    this.#caughtUp = this.#mirror.revision >= written.revision;
    if (session === this.#session) return;
    this.#unfollow();
    this.#session = session;
    this.#unfollow = onAbort(session.signal, this.#onNews);
  }

  /** Why the key cannot be watched at the moment; undefined while it can. */
  get lastError(): EtcdError | undefined {
    return this.#mirror.lastError;
  }

  /** The mod revision of the key when it was last ours, 0n before the first time. */
  get revision(): bigint {
    return this.#written?.revision ?? 0n;
  }

  /** The lease the key is on, while it stands. */
  get leaseId(): bigint | undefined {
    return this.#stands ? this.#written?.leaseId : undefined;
  }

  /** Whether the key stands, just as claimed. */
  isAs({ value, leaseId }: Claim): boolean {
    return this.#stands && this.#written?.value === value && this.#written.leaseId === leaseId;
  }

  /** Looks whether it stands no longer. Gives the reason once; from then on it does not stand. */
  findLoss(): EtcdError | undefined {
    if (!this.#stands) return undefined;
    const loss = this.#sessionLoss() ?? this.#keyLoss();
    if (loss !== undefined) this.#stands = false;
    return loss;
  }

  async close(): Promise<void> {
    this.#unfollow();
    await this.#mirror.close();
  }

  #sessionLoss(): EtcdError | undefined {
    const session = this.#session;
    if (session === undefined || session.alive) return undefined;
    const reason: unknown = session.signal.reason;
    if (reason instanceof EtcdError) return reason;
    return new EtcdError("LEASE_EXPIRED", "the lease could not be renewed in time", { cause: reason });
  }

  #keyLoss(): EtcdError | undefined {
    const written = this.#written;
    const { revision, state } = this.#mirror;
    // What is stale is judged when it is live again: it may be of a store that is no more.
    if (written === undefined || state !== "live") return undefined;
    const isBehind = revision < written.revision;
    // The watch may lag behind our own write; what it says then is old.
    if (isBehind && !this.#caughtUp) return undefined;
    const found = this.#mirror.get(this.#key);
    if (found !== undefined && isAsClaimed(found, written)) return undefined;
    if (isBehind) {
      const text = `the store went back to revision ${revision}, before ${this.#key} was written`;
      return new EtcdError("CLUSTER_CHANGED", text);
    }
    if (found === undefined) return new EtcdError("KEY_DELETED", `${this.#key} was deleted by somebody else`);
    return new EtcdError("NOT_OWNER", `${this.#key} was overwritten by somebody else`);
  }

  /**
   * A mirror falls back only where the store did: etcd was restored from a backup, or another cluster answers. And one that
   * is live again has all that the store has, also where it had not come as far as our write before.
   */
  #follow(): void {
    const { revision, state } = this.#mirror;
    const written = this.#written;
    const isBack = state === "live" && this.#atStake !== undefined && this.#atStake === written;
    if (state === "stale") this.#atStake ??= written;
    else this.#atStake = undefined;
    if (isBack || revision < this.#reached || (written !== undefined && revision >= written.revision))
      this.#caughtUp = true;
    this.#reached = revision;
    this.#onNews();
  }
}
