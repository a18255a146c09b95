import { idOf, matches, type TrueLog, type WatchChange, type WatchRecording } from "./recording.ts";

/** A change with the batch that brought it. */
interface Delivered {
  readonly change: WatchChange;
  readonly batch: number;
}

/** A recording beside the log, looked through once for all guarantees. */
export interface Delivery {
  readonly recording: WatchRecording;
  readonly log: TrueLog;
  readonly delivered: readonly Delivered[];
  /** What the watch is to deliver, from its start on. */
  readonly due: readonly WatchChange[];
  /** The changes of the log by their names. */
  readonly truth: ReadonlyMap<string, WatchChange>;
}

/** Something wrong, with the batches and true changes that show it. */
export interface Fault {
  readonly message: string;
  /** Places in `recording.batches`. */
  readonly batches: readonly number[];
  readonly truth?: readonly WatchChange[];
}

export function toDelivery(
  recording: WatchRecording,
  log: TrueLog,
  truth: ReadonlyMap<string, WatchChange>,
): Delivery {
  const { request, batches } = recording;
  return {
    recording,
    log,
    truth,
    delivered: batches.flatMap(({ changes }, batch) => changes.map((change) => ({ change, batch }))),
    due: log.changes.filter((each) => each.revision >= request.startRevision && matches(request, each)),
  };
}

/** The changes of a log by their names. */
export function truthOf({ changes }: TrueLog): ReadonlyMap<string, WatchChange> {
  return new Map(changes.map((each) => [idOf(each), each]));
}
