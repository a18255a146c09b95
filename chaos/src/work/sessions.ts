import { CALL_MS, SESSIONS, TTL_SECONDS } from "../names.ts";
import { type Place, repeat, rest } from "./place.ts";

const LOOPS = 2;

/** Sessions with a key each: whose `alive` must be false before the key can be gone. */
export async function sessions(place: Place): Promise<void> {
  await Promise.all(Array.from({ length: LOOPS }, async (_, loop) => sessionLoop(place, loop)));
}

async function sessionLoop(place: Place, loop: number): Promise<void> {
  const { etcd, claims, tally, resting, name, life } = place;
  const random = place.random.fork(`session ${loop}`);
  let opened = 0;
  await repeat(place, resting, async () => {
    const ttlSeconds = random.between(2, TTL_SECONDS);
    const session = await etcd.openSession({ ttlSeconds, signal: resting, timeoutMs: CALL_MS });
    try {
      const key = `${SESSIONS}${name}.${life}.${loop}.${(opened += 1)}`;
      await etcd.put(key, "", { lease: session, timeoutMs: CALL_MS });
      tally.add("session.opened");
      const token = String(session.leaseId);
      claims.add({ kind: "session", name: key, token, key, look: () => session.alive });
      await rest(random.between(500, 8_000), AbortSignal.any([session.signal, resting]));
      if (session.ended) tally.add("session.lost");
    } finally {
      await session.close();
    }
  });
}
