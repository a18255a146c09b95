import { EtcdError } from "../errors/etcd-error.ts";

const claims = new WeakMap<object, Set<string>>();

/**
 * Reserves a name within this process and for one owner, such as a key of a session; the result gives it back.
 * @param taken what to say when somebody has it already.
 * @throws EtcdError `LOCK_HELD` when it is taken.
 */
export function claim(owner: object, name: string, taken: string): () => void {
  const names = claims.get(owner) ?? new Set();
  claims.set(owner, names);
  if (names.has(name)) throw new EtcdError("LOCK_HELD", taken, { outcome: "notApplied" });
  names.add(name);
  let mine = true;
  return () => {
    // A second time it may be somebody else's already.
    if (mine) names.delete(name);
    mine = false;
  };
}
