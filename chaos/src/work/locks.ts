import { type HeldLock, isEtcdError, type Session } from "@quorumkit/core";
import { CALL_MS, LOCKS, TTL_SECONDS } from "../names.ts";
import { writeGuarded, writeLate } from "./guarded.ts";
import { type Place, alarmUnlessEtcd, repeat, rest } from "./place.ts";

/** All workers want the same two locks: one on a session of its own each time, one on a session that lasts. */
export async function locks(place: Place): Promise<void> {
  const [own, shared] = LOCKS;
  let session: Session | undefined;
  const ownLock = place.etcd.lock(own, { ttlSeconds: TTL_SECONDS });
  await Promise.all([
    lockLoop(place, own, async (signal) => ownLock.acquire({ signal, timeoutMs: 20_000 })),
    lockLoop(place, shared, async (signal) => {
      if (session?.alive !== true)
        session = await place.etcd.openSession({ ttlSeconds: TTL_SECONDS, signal });
      return place.etcd.lock(shared, { session }).acquire({ signal, timeoutMs: 10_000 });
    }),
  ]);
  await session?.close();
}

async function lockLoop(
  place: Place,
  name: string,
  acquire: (signal: AbortSignal) => Promise<HeldLock>,
): Promise<void> {
  const { journal, resting, tally, report } = place;
  const random = place.random.fork(name);
  let unreleased: HeldLock | undefined;
  await repeat(place, resting, async () => {
    // On a session that lasts, the place in the queue stays until etcd has been told.
    await unreleased?.release({ timeoutMs: CALL_MS });
    unreleased = undefined;
    const pending = journal.invoke("acquire", { key: name });
    const held = await acquire(resting).catch((error: unknown) => {
      // It may have been in others' way for a while.
      pending.unknown();
      throw error;
    });
    pending.ok({ token: String(held.fencingToken) });
    tally.add("lock.acquired");
    unreleased = held;
    report({ is: "holding", what: "lock", yes: true });
    try {
      await hold(place, held, random.chance(0.15) ? random.between(1_000, 3_000) : random.between(30, 500));
    } finally {
      report({ is: "holding", what: "lock", yes: false });
    }
    const lost = held.signal.aborted;
    if (lost) {
      tally.add("lock.lost");
      await writeLate(place, held);
    }
    await held.release({ timeoutMs: CALL_MS });
    unreleased = undefined;
    tally.add("lock.released");
    if (random.chance(0.1)) await writeLate(place, held);
    await rest(random.between(10, 200), resting);
  });
  await unreleased?.release({ timeoutMs: CALL_MS }).catch(() => {});
}

/** Holds it for a while, and writes under its guard, until it is lost or the time is over. */
async function hold(place: Place, held: HeldLock, forMs: number): Promise<void> {
  const { claims, resting } = place;
  const token = String(held.fencingToken);
  claims.add({ kind: "lock", name: held.name, token, key: held.key, look: () => held.held });
  const until = performance.now() + forMs;
  const signal = AbortSignal.any([held.signal, resting]);
  while (performance.now() < until && !signal.aborted) {
    try {
      await writeGuarded(place, held);
    } catch (error) {
      alarmUnlessEtcd(place, error);
      if (isEtcdError(error, "NOT_OWNER")) return;
    }
    await rest(place.random.between(20, 120), signal);
  }
}
