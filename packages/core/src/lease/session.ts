import { channels } from "../diagnostics/channels.ts";
import { EtcdError } from "../errors/etcd-error.ts";
import type { ConnectionMonitor } from "../transport/connection-monitor.ts";
import { type Clock, MAX_TIMER_MS } from "../util/clock.ts";
import type { KeepAlive } from "./keep-alive.ts";
import { LeaseDeadline } from "./lease-deadline.ts";
import type { Lease } from "./lease.ts";

/** What a session needs of its client. */
export interface SessionContext {
  readonly clock: Clock;
  readonly connection: ConnectionMonitor;
  /** Whether the lease is somebody else's. */
  readonly adopted?: boolean;
  /**
   * Revokes the lease within `limitMs`, or the client's deadline; works while the client closes, too. Does nothing where the
   * lease is somebody else's.
   */
  revoke(id: bigint, limitMs: number): Promise<void>;
  readonly keepAlive: KeepAlive;
  /** Called once, when the session has ended for whatever reason. */
  onEnded(session: Session): void;
}

const TOO_LATE = "could not be renewed in time";

/**
 * A lease that is kept alive, and the proof that it is. Everything that must not outlive the lease hangs on
 * {@link signal}, and asks {@link alive} right before it acts.
 *
 * The session ends once and for ever: a lease that could not be proven for a moment is not trusted again.
 */
export class Session {
  readonly lease: Lease;
  readonly #context: SessionContext;
  readonly #deadline: LeaseDeadline;
  /** Why it ended. */
  #ended: EtcdError | undefined;
  /** Made when somebody asks for the signal: it is most of what a session weighs. */
  #controller: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed: Promise<void> | undefined;

  /** Made by `EtcdClient.openSession`. `grantedAt` is when the grant, or the first answered renewal, was sent. */
  constructor(context: SessionContext, lease: Lease, grantedAt: number) {
    this.#context = context;
    this.lease = lease;
    this.#deadline = new LeaseDeadline(context.clock, grantedAt, lease.ttlSeconds);
    context.keepAlive.add(lease, grantedAt, {
      onRenewed: (sentAt, ttlSeconds) => this.#renewed(sentAt, ttlSeconds),
      onGone: () => this.#lost("LEASE_NOT_FOUND", "was revoked or has expired"),
    });
    this.#watchDeadline();
    if (channels.lease.hasSubscribers) {
      channels.lease.publish({ event: "granted", leaseId: lease.id, ttlSeconds: lease.ttlSeconds });
    }
  }

  get leaseId(): bigint {
    return this.lease.id;
  }

  /** The `connection` of the client that opened it, and of that client's namespaces: no other client has it. */
  get connection(): ConnectionMonitor {
    return this.#context.connection;
  }

  /** Whether it was opened on a `lease` there was already: then that, with its keys, may outlive the session. */
  get adopted(): boolean {
    return this.#context.adopted === true;
  }

  /** Whether the session has ended, and its lease with all keys on it. */
  get leaseGone(): boolean {
    return this.ended && !this.adopted;
  }

  /** The granted TTL in seconds. */
  get ttlSeconds(): number {
    return this.lease.ttlSeconds;
  }

  /**
   * Aborts when the session ends, with an EtcdError as reason: `LEASE_EXPIRED` when no renewal was answered in time
   * (before the server may free the keys), `LEASE_NOT_FOUND` when the lease was revoked, `CLOSED` when it was closed.
   * A blocked event loop delays the signal, so right before something that needs the lease, ask {@link alive}.
   */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#ended !== undefined) this.#controller.abort(this.#ended);
    }
    return this.#controller.signal;
  }

  /** Whether it is known to have ended: whether {@link signal} is aborted. */
  get ended(): boolean {
    return this.#ended !== undefined;
  }

  /** Whether the lease is proven to live at this moment. Computed from the clock, also while events are late. */
  get alive(): boolean {
    return this.#ended === undefined && !this.#deadline.passed;
  }

  /** For how many milliseconds the lease is proven to live, 0 when it is not. Computed at every read. */
  get remainingMs(): number {
    return this.#ended !== undefined ? 0 : this.#deadline.remainingMs;
  }

  /**
   * Ends the session and revokes the lease, which deletes its keys. When etcd does not answer, the lease is left to
   * expire by itself, and so is one the session was opened on (`openSession({ lease })`). Never rejects.
   */
  async close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  get #id(): string {
    return this.lease.id.toString(16);
  }

  async #close(): Promise<void> {
    const { remainingMs } = this;
    // First the word that it is over, then the deed: nobody may act on the lease while it is revoked.
    this.#end(new EtcdError("CLOSED", `the session of lease ${this.#id} was closed`));
    if (remainingMs > 0) {
      try {
        await this.#context.revoke(this.lease.id, Math.max(1, remainingMs));
      } catch {
        // gone already, or out of reach: then the TTL ends it
      }
    }
    this.#context.onEnded(this);
  }

  #renewed(sentAt: number, ttlSeconds: number): void {
    // An answer that comes after the deadline proves the lease again, but somebody may have been told it was over.
    if (this.#deadline.passed) {
      this.#lost("LEASE_EXPIRED", TOO_LATE);
      return;
    }
    if (channels.lease.hasSubscribers) {
      const { leaseId, remainingMs: slackMs } = this;
      channels.lease.publish({ event: "renewed", leaseId, ttlSeconds, slackMs });
    }
    this.#deadline.renewed(sentAt, ttlSeconds);
  }

  #watchDeadline(): void {
    if (this.#ended !== undefined) return;
    if (this.#deadline.passed) {
      this.#lost("LEASE_EXPIRED", TOO_LATE);
      return;
    }
    this.#timer = setTimeout(
      () => this.#watchDeadline(),
      Math.min(MAX_TIMER_MS, Math.ceil(this.#deadline.remainingMs)),
    );
  }

  #lost(code: "LEASE_EXPIRED" | "LEASE_NOT_FOUND", what: string): void {
    // Why renewals failed is why the lease could not be proven; a lease that is gone needs no such reason.
    const cause = code === "LEASE_EXPIRED" ? this.#context.keepAlive.lastErrorOf(this.lease.id) : undefined;
    this.#end(new EtcdError(code, `lease ${this.#id} ${what}`, { cause }));
    this.#context.onEnded(this);
  }

  #end(reason: EtcdError): void {
    clearTimeout(this.#timer);
    this.#context.keepAlive.remove(this.lease.id);
    if (this.#ended !== undefined) return;
    if (channels.lease.hasSubscribers) {
      channels.lease.publish({ event: "ended", leaseId: this.leaseId, code: reason.code });
    }
    this.#ended = reason;
    this.#controller?.abort(reason);
  }
}
