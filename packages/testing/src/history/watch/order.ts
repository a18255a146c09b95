import type { Delivery, Fault } from "./delivery.ts";
import { idOf } from "./recording.ts";

/** Events come in the order of revisions, and bookmarks never go back. */
export function ordered({ recording }: Delivery): Fault[] {
  const found: Fault[] = [];
  let [position, at] = [0n, 0];
  const reached = (revision: bigint, batch: number): void => {
    if (revision > position) [position, at] = [revision, batch];
  };
  for (const [batch, { revision, changes }] of recording.batches.entries()) {
    for (const change of changes) {
      if (change.revision < position)
        found.push({ message: `${idOf(change)} came after revision ${position}`, batches: [at, batch] });
      if (change.revision > revision)
        found.push({ message: `${idOf(change)} came in a batch up to ${revision}`, batches: [batch] });
      reached(change.revision, batch);
    }
    if (revision < position)
      found.push({ message: `bookmark ${revision} came after revision ${position}`, batches: [at, batch] });
    reached(revision, batch);
  }
  return found;
}

/** No event comes twice: a key changes once in a revision. */
export function unique({ delivered }: Delivery): Fault[] {
  const seen = new Map<string, number>();
  return delivered.flatMap(({ change: { revision, key }, batch }) => {
    const id = `${revision} ${key}`;
    const before = seen.get(id);
    seen.set(id, before ?? batch);
    return before === undefined
      ? []
      : [{ message: `${key} came twice at revision ${revision}`, batches: [before, batch] }];
  });
}

/** The events of one revision come in one batch. */
export function atomic({ delivered }: Delivery): Fault[] {
  const batchOf = new Map<bigint, number>();
  return delivered.flatMap(({ change: { revision }, batch }) => {
    const first = batchOf.get(revision) ?? batch;
    batchOf.set(revision, first);
    return first === batch
      ? []
      : [{ message: `revision ${revision} is spread over two batches`, batches: [first, batch] }];
  });
}
