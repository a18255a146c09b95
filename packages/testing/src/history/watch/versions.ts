import type { Delivery, Fault } from "./delivery.ts";
import { idOf } from "./recording.ts";

/**
 * The previous version is the right one. It may be absent where it was compacted, and is where nobody asked for it. An
 * event later than the end of the log is not judged.
 */
export function prevKv({ delivered, log, truth, recording }: Delivery): Fault[] {
  return delivered.flatMap(({ change, batch }) => {
    const { previous, revision } = change;
    if (revision > log.until && recording.request.prevKv) return [];
    if (previous === undefined && revision <= log.compacted + 1n) return [];
    const real = truth.get(idOf(change));
    const wanted = recording.request.prevKv ? real?.previous : undefined;
    if (previous?.value === wanted?.value && previous?.modRevision === wanted?.modRevision) return [];
    const [got, due] = [previous, wanted].map((each) =>
      each === undefined ? "none" : `${each.value} of ${each.modRevision}`,
    );
    return [{ message: `${idOf(change)} came with previous ${got}, not ${due}`, batches: [batch] }];
  });
}

/** A put says that it made the key exactly when it did. */
export function isCreate({ delivered, truth }: Delivery): Fault[] {
  return delivered
    .filter(({ change }) => change.isCreate !== (truth.get(idOf(change)) ?? change).isCreate)
    .map(({ change, batch }) => ({
      message: `${idOf(change)} came with isCreate ${change.isCreate}`,
      batches: [batch],
    }));
}
