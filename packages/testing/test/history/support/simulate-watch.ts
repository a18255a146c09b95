import * as fc from "fast-check";
import type { TrueLog, WatchChange, WatchedBatch, WatchRecording } from "../../../src/history/index.ts";

/** A store's life: each inner list is one revision, of keys that are put or deleted. */
const lives = fc.array(
  fc.uniqueArray(fc.record({ key: fc.constantFrom("p/a", "p/b", "p/c", "q/x"), isPut: fc.boolean() }), {
    selector: ({ key }) => key,
    minLength: 1,
    maxLength: 3,
  }),
  { minLength: 6, maxLength: 40 },
);

function logOf(life: readonly (readonly { readonly key: string; readonly isPut: boolean }[])[]): TrueLog {
  const now = new Map<string, { value: string; modRevision: bigint }>();
  let revision = 1n;
  const changes: WatchChange[] = [];
  for (const step of life) {
    const real = step.filter(({ key, isPut }) => isPut || now.has(key));
    if (real.length > 0) revision += 1n;
    for (const { key, isPut } of real) {
      const previous = now.get(key);
      const value = isPut ? `${key}@${revision}` : "";
      const isCreate = isPut && previous === undefined;
      changes.push({ revision, type: isPut ? "put" : "delete", key, value, isCreate, previous });
      if (isPut) now.set(key, { value, modRevision: revision });
      else now.delete(key);
    }
  }
  return { changes, until: revision, compacted: 0n };
}

/** What a correct watch of `p/` delivers, cut into batches anyhow but never within a revision, with bookmarks. */
function deliver(log: TrueLog, startRevision: bigint, cuts: readonly number[]): WatchRecording {
  const due = log.changes.filter(({ key, revision }) => key.startsWith("p/") && revision >= startRevision);
  const batches: WatchedBatch[] = [];
  let open: WatchChange[] = [];
  for (const [index, change] of due.entries()) {
    open.push(change);
    const next = due[index + 1];
    const cut = cuts[index % cuts.length] ?? 0;
    if (next !== undefined && (next.revision === change.revision || cut === 0)) continue;
    batches.push({ revision: change.revision, changes: open });
    if (cut === 2) batches.push({ revision: change.revision, changes: [] });
    open = [];
  }
  return { request: { range: { prefix: "p/" }, startRevision, prevKv: true, filters: [] }, batches };
}

/** A log and a recording of a correct watch on it. */
export const watched: fc.Arbitrary<{ readonly log: TrueLog; readonly recording: WatchRecording }> = fc
  .record({ life: lives, start: fc.nat({ max: 3 }), cuts: fc.array(fc.nat({ max: 2 }), { minLength: 1 }) })
  .map(({ life, start, cuts }) => {
    const log = logOf(life);
    return { log, recording: deliver(log, BigInt(start), cuts) };
  });
