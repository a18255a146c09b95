import { type Change, idOf, matches, type Recording, type TrueLog } from "./recording.ts";

/** Finds what of a recording breaks a guarantee; one line for each place. */
type Guarantee = (recording: Recording, log: TrueLog) => string[];

const changesOf = ({ batches }: Recording): Change[] => batches.flatMap(({ changes }) => changes);

/** The changes that the watch is to deliver, from its start on. */
function due({ request }: Recording, log: TrueLog): Change[] {
  return log.changes.filter((each) => each.revision >= request.startRevision && matches(request, each));
}

/** Events come in the order of revisions, and the bookmarks between them never go back. */
function ordered(recording: Recording): string[] {
  const found: string[] = [];
  let position = 0n;
  for (const { revision, changes } of recording.batches) {
    for (const change of changes) {
      if (change.revision < position) found.push(`${idOf(change)} came after ${position}`);
      if (change.revision > revision) found.push(`${idOf(change)} came in a batch up to ${revision}`);
      position = change.revision > position ? change.revision : position;
    }
    if (revision < position) found.push(`bookmark ${revision} came after ${position}`);
    position = revision > position ? revision : position;
  }
  return found;
}

/** No event comes twice. */
function unique(recording: Recording): string[] {
  const seen = new Set<string>();
  return changesOf(recording).flatMap(({ revision, key }) => {
    const id = `${revision} ${key}`;
    const again = seen.has(id);
    seen.add(id);
    return again ? [`${id} came twice`] : [];
  });
}

/** The events of one revision come in one batch. */
function atomic({ batches }: Recording): string[] {
  const batchOf = new Map<bigint, number>();
  return batches.flatMap(({ changes }, index) =>
    changes.flatMap(({ revision }) => {
      const first = batchOf.get(revision) ?? index;
      batchOf.set(revision, first);
      return first === index ? [] : [`revision ${revision} is spread over batches ${first} and ${index}`];
    }),
  );
}

/** Between the first and the last event delivered nothing is missing, and nothing was made up. */
function reliable(recording: Recording, log: TrueLog): string[] {
  const delivered = changesOf(recording);
  const revisions = delivered.map(({ revision }) => revision);
  const [first, last] = [revisions.at(0), revisions.at(-1)];
  if (first === undefined || last === undefined) return [];
  const got = new Set(delivered.map(idOf));
  const real = new Set(log.changes.map(idOf));
  return [
    ...due(recording, log)
      .filter(({ revision }) => revision >= first && revision <= last)
      .filter((each) => !got.has(idOf(each)))
      .map((each) => `${idOf(each)} is missing`),
    ...delivered
      .filter((each) => each.revision <= log.until && !real.has(idOf(each)))
      .map((each) => `${idOf(each)} never happened`),
  ];
}

/** It begins where it was told to: the first event is the first one there is from the start revision on. */
function resumable(recording: Recording, log: TrueLog): string[] {
  const { startRevision } = recording.request;
  const [first] = changesOf(recording);
  const [wanted] = due(recording, log);
  if (first === undefined) return [];
  if (first.revision < startRevision) return [`${idOf(first)} is from before ${startRevision}`];
  if (wanted !== undefined && wanted.revision < first.revision)
    return [`it began with ${idOf(first)} in place of ${idOf(wanted)}`];
  return [];
}

/** At a bookmark, which every batch is, everything up to its revision has been delivered, and nothing of it follows. */
function bookmarkable(recording: Recording, log: TrueLog): string[] {
  const found: string[] = [];
  const got = new Set<string>();
  const wanted = due(recording, log);
  let next = 0;
  let bookmark = 0n;
  for (const { revision, changes } of recording.batches) {
    for (const change of changes) {
      if (change.revision <= bookmark) found.push(`${idOf(change)} came after bookmark ${bookmark}`);
      got.add(idOf(change));
    }
    for (let each = wanted[next]; each !== undefined && each.revision <= revision; each = wanted[++next]) {
      if (!got.has(idOf(each))) found.push(`bookmark ${revision} came without ${idOf(each)}`);
    }
    bookmark = revision > bookmark ? revision : bookmark;
  }
  return found;
}

/** The previous version is the right one; it may be absent where it was compacted, and is where nobody asked for it. */
function prevKv(recording: Recording, log: TrueLog): string[] {
  const truth = new Map(log.changes.map((each) => [idOf(each), each.previous]));
  return changesOf(recording).flatMap((change) => {
    const { previous, revision } = change;
    const wanted = recording.request.prevKv ? truth.get(idOf(change)) : undefined;
    if (previous === undefined && revision <= log.compacted + 1n) return [];
    const same = previous?.value === wanted?.value && previous?.modRevision === wanted?.modRevision;
    return same
      ? []
      : [`${idOf(change)} came with previous ${previous?.modRevision}, not ${wanted?.modRevision}`];
  });
}

/** A put says that it made the key exactly when it did. */
function isCreate(recording: Recording, log: TrueLog): string[] {
  const truth = new Map(log.changes.map((each) => [idOf(each), each.isCreate]));
  return changesOf(recording)
    .filter((each) => each.isCreate !== (truth.get(idOf(each)) ?? each.isCreate))
    .map((each) => `${idOf(each)} came with isCreate ${each.isCreate}`);
}

/** Only what was asked for comes: these keys, and kinds that are not filtered out. */
function filter(recording: Recording): string[] {
  return changesOf(recording)
    .filter((each) => !matches(recording.request, each))
    .map((each) => `${idOf(each)} was not asked for`);
}

/** The nine guarantees that etcd tests of itself (`tests/robustness/validate/watch.go`). */
const GUARANTEES: Readonly<Record<string, Guarantee>> = {
  ordered,
  unique,
  atomic,
  reliable,
  resumable,
  bookmarkable,
  prevKv,
  isCreate,
  filter,
};

/** All that is wrong with a recording, each line with the guarantee's name before it. */
export function violations(recording: Recording, log: TrueLog): string[] {
  return Object.entries(GUARANTEES).flatMap(([name, check]) =>
    check(recording, log).map((line) => `${name}: ${line}`),
  );
}
