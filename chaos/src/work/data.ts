import { CALL_MS, DATA } from "../names.ts";
import { type Place, recorded, repeat, rest } from "./place.ts";

const KEYS = 24;

/** Puts, deletions, several keys in one step, and keys that expire: what the watches and mirrors of all workers follow. */
export async function data(place: Place): Promise<void> {
  const { etcd, journal, tally, name, life, resting } = place;
  const random = place.random.fork("data");
  const options = { timeoutMs: CALL_MS };
  let writes = 0;
  const newValue = (): string => `${name}.${life}.d.${(writes += 1)}`;
  const anyKey = (): string => `${DATA}${random.between(1, KEYS)}`;
  const told = ({ revision }: { readonly revision: bigint }): unknown => ({ revision: String(revision) });

  async function put(): Promise<void> {
    const [key, value] = [anyKey(), newValue()];
    await recorded(place, journal.invoke("data.put", { key, value }), etcd.put(key, value, options), told);
    tally.add("data.put");
  }

  async function remove(): Promise<void> {
    await etcd.delete(anyKey(), options);
    tally.add("data.delete");
  }

  async function putAll(): Promise<void> {
    const keys = random.shuffled(Array.from({ length: KEYS }, (_, index) => index + 1)).slice(0, 3);
    const value = newValue();
    const entries = keys.map((key) => [`${DATA}${key}`, value] as const);
    const pending = journal.invoke("data.putAll", { key: DATA, value });
    await recorded(place, pending, etcd.putAll(entries, options), told);
    tally.add("data.putAll");
  }

  async function putWithTtl(): Promise<void> {
    const [key, value] = [anyKey(), newValue()];
    const write = etcd.putWithTtl(key, value, { ttlSeconds: 2, ...options });
    await recorded(place, journal.invoke("data.putWithTtl", { key, value }), write, told);
    tally.add("data.putWithTtl");
  }

  await repeat(place, resting, async () => {
    const kind = random.pick([put, put, put, remove, putAll, putWithTtl]);
    await kind();
    await rest(random.between(30, 200), resting);
  });
}
