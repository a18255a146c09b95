import { HistoryError } from "../errors.ts";
import { type HistoryEvent, type HistoryInput, sourceOf } from "../event.ts";
import { keyOf } from "../claims/token.ts";
import { show } from "../parse-event.ts";
import type { HistoryRecorder } from "../recorder.ts";
import { eventsOf } from "../well-formed.ts";
import type {
  PreviousVersion,
  WatchChange,
  WatchedBatch,
  WatchRecording,
  WatchRequest,
} from "./recording.ts";

/** Notes that a watch begins. Under a name that was there before, it is another recording. */
export function recordWatch(recorder: HistoryRecorder, name: string, request: WatchRequest): void {
  recorder.note("watch", { key: name, value: request });
}

/** Notes what a watch delivered; also from another process in which it was resumed. */
export function recordWatchBatch(recorder: HistoryRecorder, name: string, batch: WatchedBatch): void {
  recorder.note("watchBatch", { key: name, value: batch });
}

/** Reads back what {@link recordWatch} and {@link recordWatchBatch} noted. @throws HistoryError `wrongValue` */
export function watchRecordings(history: HistoryInput): WatchRecording[] {
  const recordings: (WatchRecording & { readonly batches: WatchedBatch[]; readonly sources: string[] })[] =
    [];
  for (const event of eventsOf(history)) {
    if (event.type !== "note") continue;
    if (event.op === "watch")
      recordings.push({ name: keyOf(event), request: toRequest(event), batches: [], sources: [] });
    if (event.op !== "watchBatch") continue;
    const recording = recordings.findLast(({ name }) => name === keyOf(event));
    if (recording === undefined)
      throw new HistoryError("wrongValue", sourceOf(event), `no watch ${show(event.key)} was begun before`);
    recording.batches.push(toBatch(event));
    recording.sources.push(sourceOf(event));
  }
  return recordings;
}

/** As JSON has it: bigints are decimal strings, and what is undefined is absent. */
type Written<T> = { readonly [K in keyof T]: T[K] extends bigint ? string : T[K] };
type WrittenChange = Omit<Written<WatchChange>, "previous"> & {
  readonly previous?: Written<PreviousVersion>;
};

function toRequest(event: HistoryEvent): WatchRequest {
  return decode(event, () => {
    const { range, startRevision, prevKv, filters } = event.value as Written<WatchRequest>;
    if (!("key" in range || "prefix" in range)) throw new TypeError("no range");
    return { range, startRevision: BigInt(startRevision), prevKv: prevKv, filters: [...filters] };
  });
}

function toBatch(event: HistoryEvent): WatchedBatch {
  return decode(event, () => {
    const { revision, changes } = event.value as { revision: string; changes: readonly WrittenChange[] };
    return { revision: BigInt(revision), changes: changes.map(toChange) };
  });
}

function toChange({ revision, previous, ...rest }: WrittenChange): WatchChange {
  return {
    ...rest,
    revision: BigInt(revision),
    previous: previous && { value: previous.value, modRevision: BigInt(previous.modRevision) },
  };
}

function decode<T>(event: HistoryEvent, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new HistoryError(
      "wrongValue",
      sourceOf(event),
      `not the value of a ${event.op}: ${show(event.value)} (${String(cause)})`,
    );
  }
}
