import type { Delivery, Fault } from "./delivery.ts";
import { idOf, matches } from "./recording.ts";

/** Between the first and the last event delivered nothing is missing, and nothing was made up. */
export function reliable({ delivered, due, log, truth, recording }: Delivery): Fault[] {
  const [first, last] = [delivered.at(0)?.change.revision, delivered.at(-1)?.change.revision];
  if (first === undefined || last === undefined) return [];
  const got = new Set(delivered.map(({ change }) => idOf(change)));
  return [
    ...due
      .filter((each) => each.revision >= first && each.revision <= last && !got.has(idOf(each)))
      .map((each) => ({
        message: `${idOf(each)} is missing`,
        batches: around(each.revision, recording.batches),
        truth: [each],
      })),
    ...delivered
      .filter(({ change }) => change.revision <= log.until && !truth.has(idOf(change)))
      .map(({ change, batch }) => ({ message: `${idOf(change)} never happened`, batches: [batch] })),
  ];
}

/** It begins where it was told to: with the first event there is from the start revision on, and with none before it. */
export function resumable({ delivered, due, recording }: Delivery): Fault[] {
  const { startRevision } = recording.request;
  const early = delivered
    .filter(({ change }) => change.revision < startRevision)
    .map(({ change, batch }) => ({
      message: `${idOf(change)} is from before the start revision ${startRevision}`,
      batches: [batch],
    }));
  const [first] = delivered;
  const [wanted] = due;
  if (early.length > 0 || first === undefined || wanted === undefined) return early;
  if (wanted.revision >= first.change.revision) return [];
  return [
    {
      message: `it began with ${idOf(first.change)} in place of ${idOf(wanted)}`,
      batches: [first.batch],
      truth: [wanted],
    },
  ];
}

/** At a bookmark, which every batch is, everything up to its revision has been delivered, and nothing of it follows. */
export function bookmarkable({ recording, due }: Delivery): Fault[] {
  const found: Fault[] = [];
  const got = new Set<string>();
  let next = 0;
  let [bookmark, at] = [0n, 0];
  for (const [batch, { revision, changes }] of recording.batches.entries()) {
    for (const change of changes) {
      if (change.revision <= bookmark)
        found.push({ message: `${idOf(change)} came after bookmark ${bookmark}`, batches: [at, batch] });
      got.add(idOf(change));
    }
    for (let each = due[next]; each !== undefined && each.revision <= revision; each = due[++next]) {
      if (!got.has(idOf(each)))
        found.push({
          message: `bookmark ${revision} came without ${idOf(each)}`,
          batches: [batch],
          truth: [each],
        });
    }
    if (revision > bookmark) [bookmark, at] = [revision, batch];
  }
  return found;
}

/** Only what was asked for comes: these keys, and kinds that are not filtered out. */
export function filtered({ delivered, recording }: Delivery): Fault[] {
  return delivered
    .filter(({ change }) => !matches(recording.request, change))
    .map(({ change, batch }) => ({ message: `${idOf(change)} was not asked for`, batches: [batch] }));
}

/** The batches on both sides of a revision that is missing. */
function around(revision: bigint, batches: Delivery["recording"]["batches"]): number[] {
  const before = batches.findLastIndex(({ changes }) => changes.some((each) => each.revision < revision));
  const after = batches.findIndex(({ changes }) => changes.some((each) => each.revision >= revision));
  return [...new Set([before, after])].filter((batch) => batch >= 0);
}
