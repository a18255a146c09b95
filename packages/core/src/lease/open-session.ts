import { EtcdError, isEtcdError } from "../errors/etcd-error.ts";
import { type LeaseRef, leaseId } from "../kv/put.ts";
import { CALL_OPTIONS, type CallOptions, timeoutOption } from "../transport/call-options.ts";
import type { Connection } from "../transport/connection.ts";
import { pause } from "../util/abort.ts";
import { systemClock } from "../util/clock.ts";
import { refuseUnknown, signalOption } from "../util/validate.ts";
import { adoptLease } from "./adopt-lease.ts";
import { grantNew } from "./grant.ts";
import type { KeepAlive } from "./keep-alive.ts";
import { newLeaseId, ttlOption } from "./lease.ts";
import { revokeLease } from "./revoke-lease.ts";
import { Session } from "./session.ts";
import type { SessionSet } from "./session-set.ts";
import { takeTurn } from "./take-turn.ts";

export interface SessionOptions extends CallOptions {
  /** How long the lease outlives the last renewal, in whole seconds. etcd raises it to its minimum, 2 by default. @default 10 */
  readonly ttlSeconds?: number | undefined;
  /**
   * A lease there is already, to be kept alive from now on: one with an id of its own, or another program's. It keeps its
   * TTL, so `ttlSeconds` must be absent. `LEASE_NOT_FOUND` when it is gone. The session only renews it: closing the
   * session, or the client, leaves the lease to whoever granted it, and to its TTL. To end it, too, revoke it. Locks that
   * are held with the session stay with the lease until they are released, which is possible after the session has ended.
   *
   * @default one that is granted, and revoked with the session
   */
  readonly lease?: LeaseRef | undefined;
}

/** What a session is opened with. */
export interface SessionParts {
  readonly connection: Connection;
  readonly keepAlive: KeepAlive;
  readonly sessions: SessionSet;
}

/** A grant that was given up may still be on its way when its revocation arrives, which is then tried again. */
const CLEAN_UP_TRIES = 3;
const CLEAN_UP_PAUSE_MS = 300;
const CLEAN_UP_MS = 1_000;

export async function openSession(parts: SessionParts, options: SessionOptions): Promise<Session> {
  refuseUnknown(options, ["ttlSeconds", "lease", ...CALL_OPTIONS], "openSession");
  if (options.lease !== undefined && options.ttlSeconds !== undefined)
    throw new TypeError("ttlSeconds must be absent with lease: it has its own");
  return parts.sessions.open(open(parts, options));
}

async function open(
  { connection, keepAlive, sessions }: SessionParts,
  { ttlSeconds, lease: given, signal, timeoutMs }: SessionOptions,
): Promise<Session> {
  const wanted = { id: newLeaseId(), ttlSeconds: ttlOption(ttlSeconds, 10) };
  const adopted = given === undefined ? undefined : leaseId(given);
  refuseKept(keepAlive, adopted);
  signalOption(signal);
  const limitMs = timeoutOption(timeoutMs, connection.defaultTimeoutMs);
  const turn = await takeTurn(sessions.grants, limitMs, [signal, connection.closing]);
  try {
    if (turn.remainingMs <= 0) {
      const message = `openSession sent nothing within ${limitMs} ms: too many others were before it`;
      throw new EtcdError("TIMEOUT", message, { outcome: "notApplied" });
    }
    const left = { signal, timeoutMs: Math.max(1, turn.remainingMs) };
    const { lease, sentAt } =
      adopted === undefined
        ? await grantNew(connection, wanted, left)
        : await adoptLease(connection, adopted, left);
    // Another call may have been about the same lease.
    refuseKept(keepAlive, adopted);
    const session = new Session(
      {
        clock: systemClock,
        connection: connection.monitor,
        adopted: adopted !== undefined,
        keepAlive,
        revoke: async (id, forMs) => (adopted === undefined ? revoke(connection, id, forMs) : undefined),
        onEnded: (ended) => sessions.delete(ended),
      },
      lease,
      sentAt,
    );
    if (!session.ended) sessions.add(session);
    return session;
  } catch (error) {
    // It may have been granted, although nobody waits for it any more.
    if (adopted === undefined && isEtcdError(error) && error.outcome !== "notApplied")
      void sessions.open(cleanUp(connection, wanted.id));
    throw error;
  } finally {
    turn.end();
  }
}

/** A lease is renewed for one session, which answers for it. */
function refuseKept(keepAlive: KeepAlive, id: bigint | undefined): void {
  if (id !== undefined && keepAlive.keeps(id))
    throw new TypeError(
      `lease must be one that no other session of the client keeps alive, received ${id.toString(16)}`,
    );
}

/** Never rejects: what cannot be revoked ends with its TTL. */
async function cleanUp(connection: Connection, id: bigint): Promise<void> {
  const { closing } = connection;
  for (let attempt = 1; attempt <= CLEAN_UP_TRIES; attempt += 1) {
    try {
      await revoke(connection, id, CLEAN_UP_MS);
      return;
    } catch {
      // not granted, not yet granted, or out of reach
      if (closing.aborted) return;
      await pause(CLEAN_UP_PAUSE_MS, closing);
    }
  }
}

async function revoke(connection: Connection, id: bigint, limitMs: number): Promise<void> {
  const timeoutMs = Math.min(limitMs, connection.defaultTimeoutMs);
  await revokeLease(connection, id, { timeoutMs, whileClosing: true });
}
