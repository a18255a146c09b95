import { type EtcdClient, EtcdError, type Session } from "@quorumkit/core";
import { raceAbort } from "@quorumkit/core/internal";

/** One try to open a session. */
interface Opening {
  readonly session: Promise<Session>;
  readonly controller: AbortController;
}

/**
 * The one session of a registry: all its registrations live on one lease, so a process costs one keep-alive, and all it
 * registered leaves together. Opened when it is first needed, and anew when it was lost.
 */
export class SharedSession {
  readonly #etcd: EtcdClient;
  readonly #ttlSeconds: number;
  readonly #leaseIds = new Set<bigint>();
  #session: Session | undefined;
  #opening: Opening | undefined;
  #discarded: Promise<unknown> = Promise.resolve();

  constructor(etcd: EtcdClient, ttlSeconds: number) {
    this.#etcd = etcd;
    this.#ttlSeconds = ttlSeconds;
  }

  /** A living session: the present one, or else one try to open one, shared by all who ask meanwhile. */
  async acquire(signal: AbortSignal): Promise<Session> {
    if (this.#session?.alive === true) return this.#session;
    this.#opening ??= this.#open();
    return raceAbort(this.#opening.session, signal);
  }

  /** Whether a lease is, or was, this registry's. */
  owns(leaseId: bigint): boolean {
    return this.#leaseIds.has(leaseId);
  }

  /** Gives up a session whose lease etcd does not know any more. */
  discard(session: Session): void {
    if (session === this.#session) this.#session = undefined;
    this.#discarded = Promise.allSettled([this.#discarded, session.close()]);
  }

  /** Revokes the lease, and with it whatever is still on it. The next `acquire` opens a new one. */
  async close(): Promise<void> {
    const session = this.#session;
    const opening = this.#opening;
    this.#session = undefined;
    this.#opening = undefined;
    opening?.controller.abort();
    await Promise.allSettled([session?.close(), opening?.session, this.#discarded]);
  }

  #open(): Opening {
    const controller = new AbortController();
    const opening = { controller, session: this.#openSession(controller.signal) };
    const forget = (): void => {
      if (this.#opening === opening) this.#opening = undefined;
    };
    opening.session.then(forget, forget);
    return opening;
  }

  async #openSession(signal: AbortSignal): Promise<Session> {
    const session = await this.#etcd.openSession({ ttlSeconds: this.#ttlSeconds, signal });
    if (signal.aborted) {
      await session.close();
      throw new EtcdError("CLOSED", "the session was closed while it was being opened");
    }
    this.#leaseIds.add(session.leaseId);
    this.#session = session;
    return session;
  }
}
