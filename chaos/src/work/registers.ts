import { CALL_MS, EPOCH_MS, REGISTERS } from "../names.ts";
import { type Place, recorded, repeat, rest } from "./place.ts";

const SLOTS = 3;
const LOOPS = 2;

/** Reads, writes and swaps of single keys that all workers share; no value is ever written twice. */
export async function registers(place: Place): Promise<void> {
  await Promise.all(Array.from({ length: LOOPS }, async (_, loop) => registerLoop(place, loop)));
}

async function registerLoop(place: Place, loop: number): Promise<void> {
  const { etcd, journal, tally, name, life, resting } = place;
  const random = place.random.fork(`register ${loop}`);
  const seen = new Map<string, string | undefined>();
  let writes = 0;
  const options = { timeoutMs: CALL_MS };

  async function read(key: string): Promise<void> {
    const pending = journal.invoke("read", { key });
    try {
      const value = (await etcd.get(key, options))?.text();
      pending.ok(value ?? null);
      seen.set(key, value);
    } catch (error) {
      pending.fail();
      throw error;
    }
    tally.add("register.read");
  }

  async function write(key: string, value: string): Promise<void> {
    const pending = journal.invoke("write", { key, value });
    await recorded(place, pending, etcd.put(key, value, options), ({ revision }) => ({
      revision: String(revision),
    }));
    seen.set(key, value);
    tally.add("register.write");
  }

  async function swap(key: string, expected: string | undefined, value: string): Promise<void> {
    const pending = journal.invoke("cas", { key, value: { expected: expected ?? null, next: value } });
    const result = await recorded(
      place,
      pending,
      etcd.compareAndSwap(key, expected, value, options),
      (told) => ({
        revision: String(told.revision),
        swapped: told.swapped,
        ...(told.swapped ? {} : { found: told.current?.text() ?? null }),
      }),
    );
    seen.set(key, result.swapped ? value : result.current?.text());
    tally.add("register.cas");
  }

  await repeat(place, resting, async () => {
    const epoch = Math.floor(Number(process.hrtime.bigint()) / 1e6 / EPOCH_MS);
    const key = `${REGISTERS}${epoch}/${random.between(1, SLOTS)}`;
    const value = `${name}.${life}.${loop}.${(writes += 1)}`;
    const kind = random.pick(["read", "read", "write", "swap"] as const);
    if (kind === "read") await read(key);
    else if (kind === "write") await write(key, value);
    else await swap(key, seen.get(key), value);
    if (seen.size > 2 * SLOTS) seen.clear();
    await rest(random.between(20, 120), resting);
  });
}
