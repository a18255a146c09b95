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

  constructor(key: string, mirror: Mirror, onNews: () => void) {
    this.#key = key;
    this.#mirror = mirror;
    this.#onNews = onNews;
  }

  /** Starts to watch the key. */
  static start(etcd: EtcdClient, key: string, onNews: () => void): Standing {
    const mirror = Mirror.start(etcd, key);
    mirror.on("change", onNews);
    // Also when it gets live again: then etcd answers again, and a wait for that can end.
    mirror.on("state", onNews);
    return new Standing(key, mirror, onNews);
  }

  /** The key was written, on the lease of `session`. */
  confirm(written: Written, session: Session): void {
    this.#written = written;
    this.#stands = true;
    if (session === this.#session) return;
    this.#unfollow();
    this.#session = session;
    this.#unfollow = onAbort(session.signal, this.#onNews);
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
    // The watch may lag behind our own write; what it says then is old.
    if (written === undefined || this.#mirror.revision < written.revision) return undefined;
    const found = this.#mirror.get(this.#key);
    if (found === undefined) return new EtcdError("KEY_DELETED", `${this.#key} was deleted by somebody else`);
    if (isAsClaimed(found, written)) return undefined;
    return new EtcdError("NOT_OWNER", `${this.#key} was overwritten by somebody else`);
  }
}
