import { PermissionType } from "@quorumkit/proto";
import type { Permission } from "@quorumkit/proto";

/** Keys from `begin` to before `end`; an empty end is above all keys. */
interface Interval {
  readonly begin: Buffer;
  readonly end: Buffer;
}

const ABOVE_ALL = Buffer.alloc(0);
const NUL = Buffer.from([0]);

/** What the roles of one user allow, together: a range may be covered by permissions of several roles. */
export class PermissionRanges {
  readonly #read: readonly Interval[];
  readonly #write: readonly Interval[];

  constructor(permissions: Iterable<Permission>) {
    const read: Interval[] = [];
    const write: Interval[] = [];
    for (const { permType, key, rangeEnd } of permissions) {
      const interval = intervalOf(key, rangeEnd);
      if (permType === PermissionType.READ || permType === PermissionType.READWRITE) read.push(interval);
      if (permType === PermissionType.WRITE || permType === PermissionType.READWRITE) write.push(interval);
    }
    this.#read = read.sort(byBegin);
    this.#write = write.sort(byBegin);
  }

  mayRead(key: Uint8Array, rangeEnd: Uint8Array): boolean {
    return covers(this.#read, intervalOf(key, rangeEnd));
  }

  mayWrite(key: Uint8Array, rangeEnd: Uint8Array): boolean {
    return covers(this.#write, intervalOf(key, rangeEnd));
  }
}

/** Whether a permission may have this range: one key, a range that is not empty, or all keys from one on. */
export function isPermissionRange(key: Uint8Array, rangeEnd: Uint8Array): boolean {
  if (key.length === 0) return false;
  return rangeEnd.length === 0 || compareBounds(key, rangeEnd) < 0 || isOpenEnd(rangeEnd);
}

function intervalOf(key: Uint8Array, rangeEnd: Uint8Array): Interval {
  const begin = Buffer.from(key);
  if (rangeEnd.length === 0) return { begin, end: Buffer.concat([begin, NUL]) };
  return { begin, end: isOpenEnd(rangeEnd) ? ABOVE_ALL : Buffer.from(rangeEnd) };
}

function isOpenEnd(rangeEnd: Uint8Array): boolean {
  return rangeEnd.length === 1 && rangeEnd[0] === 0;
}

/** Whether the intervals, which are in order, cover all of `asked`, as `Contains` of etcd's `pkg/adt/interval_tree.go` tells. */
function covers(intervals: readonly Interval[], asked: Interval): boolean {
  let covered: Interval | undefined;
  for (const interval of intervals) {
    if (!overlaps(asked, interval)) continue;
    covered ??= interval;
    if (compareBounds(covered.end, interval.begin) < 0) return false;
    if (compareBounds(interval.end, covered.end) > 0) covered = { begin: covered.begin, end: interval.end };
  }
  return (
    covered !== undefined &&
    compareBounds(covered.end, asked.end) >= 0 &&
    compareBounds(covered.begin, asked.begin) <= 0
  );
}

/** A range whose end is before its begin overlaps what holds its begin; it has no keys, so what is allowed does not matter. */
function overlaps(asked: Interval, interval: Interval): boolean {
  const isLeft =
    compareBounds(asked.begin, interval.begin) < 0 && compareBounds(asked.end, interval.begin) <= 0;
  const isRight = compareBounds(asked.begin, interval.end) >= 0;
  return !isLeft && !isRight;
}

function byBegin(a: Interval, b: Interval): number {
  return compareBounds(a.begin, b.begin);
}

function compareBounds(a: Uint8Array, b: Uint8Array): number {
  if (a.length === 0 || b.length === 0) return Math.sign(b.length - a.length);
  return Buffer.compare(a, b);
}
