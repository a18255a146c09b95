import { isEtcdError } from "../errors/etcd-error.ts";
import { keyId } from "../kv/bytes.ts";
import type { KeyValue } from "../kv/key-value.ts";
import type { Session } from "../lease/session.ts";
import { SessionKey } from "../queue/session-key.ts";
import type { CallOptions } from "../transport/call-options.ts";
import { compare } from "../txn/compare.ts";
import { op } from "../txn/op.ts";
import { pause } from "../util/abort.ts";
import { backoffMs } from "../util/backoff.ts";
import { deferred, type Deferred } from "../util/deferred.ts";
import type { LeasingClient } from "./leasing-client.ts";
import { OwnedKey, OwnedKeys } from "./owned-keys.ts";
import { type OwnershipKeys, REVOKE } from "./ownership-keys.ts";
import { RestingKeys } from "./resting-keys.ts";

export interface TermParts {
  readonly client: LeasingClient;
  readonly keys: OwnershipKeys;
  readonly session: Session;
  readonly maxKeys: number;
}

/** An acquisition that is under way. */
interface Acquisition {
  /** Ownerships that began at this revision, or before, are over already. */
  overUntil: bigint;
  readonly ended: Deferred<void>;
}

const RELEASE_TIMEOUT_MS = 2_000;
const BACKOFF = { initialMs: 50, maxMs: 5_000 };

/**
 * The ownerships of one session; nothing of them outlives it.
 *
 * Why an answer from memory is linearizable: a key is changed only by a transaction in which its ownership key is absent, or
 * is the writer's own. So while ours exists nobody else changes the key, and it exists until we delete it or the lease ends;
 * which is after the session's `alive` has become false. What we are not told, a request to give up, costs the writer time
 * and nobody a wrong answer. What has to be right is what counts as ours:
 * - an ownership is named by its create revision. Once it is given up it is over for good, also for an answer, or a write,
 *   that is still on its way then.
 * - while ownerships of a key are being given up, none is taken: an answer could tell of one that is about to go.
 */
export class Term {
  readonly session: Session;
  readonly #parts: TermParts;
  readonly #owned: OwnedKeys;
  readonly #acquiring = new Map<string, Acquisition>();
  /** How many releases of each key are not confirmed. */
  readonly #releasing = new Map<string, number>();
  readonly #resting = new RestingKeys();
  /** Ownership keys of which a copy may still be made; while the term lasts, whoever wants one has it given up. */
  readonly #uncertain = new Set<SessionKey<Buffer>>();
  #closed = false;

  constructor(parts: TermParts) {
    this.#parts = parts;
    this.session = parts.session;
    this.#owned = new OwnedKeys(parts.maxKeys);
  }

  /** How many keys are owned. */
  get size(): number {
    return this.session.alive ? this.#owned.size : 0;
  }

  /** The key as it is at this moment, where that is known. */
  read(key: Uint8Array): OwnedKey | undefined {
    const owned = this.#owned.use(keyId(key));
    // Asked right before the answer: only now does the lease prove anything.
    return owned?.settled === true && this.session.alive ? owned : undefined;
  }

  /** The key, if it is owned, for a write of our own. */
  find(key: Uint8Array): OwnedKey | undefined {
    return this.session.alive ? this.#owned.use(keyId(key)) : undefined;
  }

  /** Whether an ownership key that was found is of this term. */
  has(ownership: KeyValue): boolean {
    return this.session.alive && ownership.lease === this.session.leaseId;
  }

  /** Whether it is worth trying to own the key. */
  mayAcquire(key: Uint8Array): boolean {
    const id = keyId(key);
    const busy = this.#owned.get(id) !== undefined || this.#acquiring.has(id) || this.#releasing.has(id);
    return !busy && !this.#closed && this.session.alive && !this.#resting.has(id);
  }

  /** Reads the key, and owns it from then on if nobody else does and it is on no lease, whose end would change it. */
  async acquire(key: Uint8Array, options: CallOptions): Promise<KeyValue | undefined> {
    const { client, keys } = this.#parts;
    const id = keyId(key);
    const ownership = keys.of(key);
    const acquisition: Acquisition = { overUntil: 0n, ended: deferred() };
    this.#acquiring.set(id, acquisition);
    const sessionKey = new SessionKey(client, this.session, ownership);
    const { repeatable, onUnknown } = sessionKey.making;
    try {
      await sessionKey.takeUp(options.signal);
      const { succeeded, results, revision } = await client
        .txn()
        .if(compare(ownership).createRevision.equals(0n), compare(key).lease.equals(0n))
        .then(op.get(key), op.put(ownership, "", { lease: this.session.leaseId }))
        .else(op.get(key), op.get(ownership))
        .commit({
          ...options,
          // Sent twice, it finds what the first sending made.
          repeatable,
          onUnknown: () => {
            onUnknown();
            this.#uncertain.add(sessionKey);
          },
        });
      const [kv] = results;
      const since = succeeded ? revision : this.#madeBefore(results[1]);
      if (since !== undefined && since > acquisition.overUntil)
        this.#keep(new OwnedKey(id, since, kv, revision));
      return kv;
    } finally {
      this.#acquiring.delete(id);
      acquisition.ended.resolve();
    }
  }

  /** Stops answering for a key as of now, and then takes the ownership key away as it was created then. Never rejects. */
  async giveUp(id: string, since: bigint): Promise<void> {
    this.forget(id, since);
    this.#releasing.set(id, (this.#releasing.get(id) ?? 0) + 1);
    await this.#release(this.#parts.keys.of(Buffer.from(id, "latin1")), since);
    const left = (this.#releasing.get(id) ?? 1) - 1;
    if (left > 0) this.#releasing.set(id, left);
    else this.#releasing.delete(id);
  }

  /** As {@link giveUp}, since somebody asked for it. */
  async revoked(id: string, since: bigint): Promise<void> {
    this.#resting.add(id);
    await this.giveUp(id, since);
  }

  /** Stops answering for a key whose ownership has gone, if it began at `revision` or before. */
  forget(id: string, revision: bigint): void {
    this.#owned.forget(id, revision);
    const acquisition = this.#acquiring.get(id);
    if (acquisition !== undefined && acquisition.overUntil < revision) acquisition.overUntil = revision;
  }

  /** Takes away whatever ownership key the session has, known or not. For a session that lives on. Never rejects. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#owned.clear();
    // What they make has to be in the listing.
    await Promise.all([...this.#acquiring.values()].map(async ({ ended }) => ended.promise));
    await this.#giveUpAll();
    for (const each of this.#uncertain) each.giveUp();
  }

  owned(): readonly OwnedKey[] {
    return this.#owned.all();
  }

  async #giveUpAll(): Promise<void> {
    const { client, keys } = this.#parts;
    for (let attempt = 0; !this.session.ended; attempt += 1) {
      try {
        const { kvs } = await client.range(keys.range, { timeoutMs: RELEASE_TIMEOUT_MS });
        const ours = kvs.filter((kv) => kv.lease === this.session.leaseId);
        await Promise.all(
          ours.map(async (kv) => this.giveUp(keyId(keys.ownedBy(kv.keyBytes)), kv.createRevision)),
        );
        return;
      } catch (error) {
        if (isEtcdError(error, "CLOSED")) return;
      }
      await pause(backoffMs(attempt, BACKOFF), this.session.signal);
    }
  }

  #keep(owned: OwnedKey): void {
    // A lease that a key got while it was ours to write is followed by nobody.
    if (this.#closed || (owned.kv !== undefined && owned.kv.lease !== 0n)) {
      void this.giveUp(owned.id, owned.since);
      return;
    }
    const oldest = this.#owned.add(owned);
    if (oldest !== undefined) void this.giveUp(oldest.id, oldest.since);
  }

  /** An acquisition whose answer was lost may have made it. */
  #madeBefore(ownership: KeyValue | undefined): bigint | undefined {
    const usable = ownership?.lease === this.session.leaseId && ownership.text() !== REVOKE;
    return usable ? ownership.createRevision : undefined;
  }

  async #release(ownership: Uint8Array, since: bigint): Promise<void> {
    for (let attempt = 0; !this.session.ended; attempt += 1) {
      try {
        await this.#parts.client
          .txn()
          .if(compare(ownership).createRevision.equals(since))
          .then(op.delete(ownership))
          .commit({ timeoutMs: RELEASE_TIMEOUT_MS, repeatable: true });
        return;
      } catch (error) {
        // A closed client, such as a namespace that ends before the session, sends nothing.
        if (isEtcdError(error, "CLOSED")) return;
      }
      await pause(backoffMs(attempt, BACKOFF), this.session.signal);
    }
  }
}
