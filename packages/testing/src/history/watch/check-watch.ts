import { type Verdict, verdict, type Violation } from "../verdict.ts";
import { bookmarkable, filtered, reliable, resumable } from "./completeness.ts";
import { type Delivery, type Fault, toDelivery, truthOf } from "./delivery.ts";
import { atomic, ordered, unique } from "./order.ts";
import { idOf, type TrueLog, type WatchedBatch, type WatchRecording } from "./recording.ts";
import { isCreate, prevKv } from "./versions.ts";

/** The nine guarantees that etcd tests of itself (`tests/robustness/validate/watch.go`). */
const GUARANTEES: Readonly<Record<string, (delivery: Delivery) => Fault[]>> = {
  ordered,
  unique,
  atomic,
  reliable,
  resumable,
  bookmarkable,
  prevKv,
  isCreate,
  filter: filtered,
};

/**
 * Whether watches delivered what etcd guarantees, compared with what really happened.
 *
 * The rules: `ordered`, `unique`, `atomic` (a revision is never split), `reliable` (no gaps, nothing made up), `resumable`
 * (begins at the start revision), `bookmarkable` (a bookmark never comes ahead of events), `prevKv`, `isCreate` and
 * `filter`. A watch that ends early breaks none of them, so look also at how far each one got. A watch that was given up
 * behind a compaction and began anew is another recording.
 */
export function checkWatch(observed: WatchRecording | readonly WatchRecording[], log: TrueLog): Verdict {
  const recordings = "request" in observed ? [observed] : observed;
  const truth = truthOf(log);
  let checked = 0;
  const violations = recordings.flatMap((recording, index) => {
    const delivery = toDelivery(recording, log, truth);
    checked += delivery.delivered.length;
    const subject = recording.name ?? `watch ${index + 1}`;
    return Object.entries(GUARANTEES).flatMap(([rule, check]) =>
      check(delivery).map((fault) => toViolation(rule, subject, recording, fault)),
    );
  });
  return verdict(violations, checked);
}

function toViolation(rule: string, subject: string, recording: WatchRecording, fault: Fault): Violation {
  const batches = [...new Set(fault.batches)].map((index) => {
    const source = recording.sources?.[index];
    const place = source === undefined ? "" : ` (${source})`;
    return `batch ${index + 1}: ${describeBatch(recording.batches[index])}${place}`;
  });
  const truth = (fault.truth ?? []).map((change) => `in the log: ${idOf(change)}`);
  return { rule, subject, message: fault.message, part: [...batches, ...truth] };
}

function describeBatch(batch: WatchedBatch | undefined): string {
  if (batch === undefined) return "none";
  const { revision, changes } = batch;
  const shown = changes.slice(0, 8).map(idOf);
  const more = changes.length > shown.length ? `, and ${changes.length - shown.length} more` : "";
  return changes.length === 0 ? `bookmark ${revision}` : `up to ${revision}: ${shown.join(", ")}${more}`;
}
