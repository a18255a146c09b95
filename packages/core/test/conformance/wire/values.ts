import * as fc from "fast-check";
import { type Ref, SENT_EMPTY } from "../resolve.ts";

// Few keys, so that operations meet. Their order and their neighbours matter: "a\0" comes right after "a".
export const goodKey = fc.constantFrom("a", "a", "a", "b", "b", "c", "a\0", "aa", "ab", "\0", "\xff");
export const key = fc.oneof({ arbitrary: goodKey, weight: 40 }, { arbitrary: fc.constant(""), weight: 1 });
export const rangeEnd = fc.constantFrom("", "", "", "\0", "\0", "b", "c", "d", "a", "aa", "\xff", "\xff\xff");
/** A range with something in it more often than not; now and then one that is empty, or the wrong way round. */
export const span = fc.oneof(
  {
    arbitrary: fc.constantFrom(
      { key: "\0", rangeEnd: "\0" },
      { key: "a", rangeEnd: "\0" },
      { key: "a", rangeEnd: "b" },
      { key: "a", rangeEnd: "c" },
      { key: "aa", rangeEnd: "~" },
      { key: "a", rangeEnd: SENT_EMPTY },
    ),
    weight: 2,
  },
  { arbitrary: fc.record({ key, rangeEnd }), weight: 3 },
);
export const value = fc.constantFrom("", "x", "y", "z", "10", "9");
export const rarely = (often = 4): fc.Arbitrary<boolean> =>
  fc.integer({ min: 0, max: often }).map((n) => n === often);

export const recent = (from: "base" | "now", min: number, max: number): fc.Arbitrary<Ref> =>
  fc.integer({ min, max }).map((plus) => ({ from, plus }));
const ODD_REVISIONS = [0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n)];
const oddRevision = fc.constantFrom(...ODD_REVISIONS);
export const revision: fc.Arbitrary<bigint | Ref> = fc.oneof(
  { arbitrary: recent("now", -6, 0), weight: 6 },
  { arbitrary: recent("now", 1, 2), weight: 1 },
  { arbitrary: recent("base", -2, 6), weight: 4 },
  { arbitrary: oddRevision, weight: 1 },
);
export const revisionOrNone = fc.oneof(
  { arbitrary: fc.constant(0n), weight: 3 },
  { arbitrary: revision, weight: 2 },
);

export const leaseId: fc.Arbitrary<bigint | Ref> = fc.oneof(
  { arbitrary: fc.constantFrom(1n, 2n, 3n), weight: 8 },
  { arbitrary: fc.constantFrom({ autoLease: 0 }, { autoLease: 1 }), weight: 2 },
  { arbitrary: fc.constantFrom(0n, 99n, -1n), weight: 1 },
);
export const leaseOrNone = fc.oneof(
  { arbitrary: fc.constant(0n), weight: 3 },
  { arbitrary: leaseId, weight: 1 },
);

/** Only some of the fields, the rest is left to the wire's defaults. */
export function some<T>(
  required: { [K in keyof T]?: fc.Arbitrary<T[K]> },
  optional: { [K in keyof T]?: fc.Arbitrary<T[K]> },
): fc.Arbitrary<T> {
  const fields = Object.fromEntries(
    Object.entries<fc.Arbitrary<unknown> | undefined>(optional).map(([name, each]) => [
      name,
      fc.option(each ?? fc.constant(undefined), { nil: undefined, freq: 2 }),
    ]),
  );
  return fc
    .record({ ...required, ...fields })
    .map((all) => Object.fromEntries(Object.entries(all).filter(([, each]) => each !== undefined)) as T);
}
