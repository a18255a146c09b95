import * as fc from "fast-check";

/** Keys of a run; all but the first few are written seldom. */
export const KEYS: readonly string[] = ["a", "b", "c", "ab", "d"];

export type Step =
  | { readonly do: "put" | "delete"; readonly key: string }
  | { readonly do: "txn"; readonly puts: readonly string[]; readonly deletes: readonly string[] }
  | { readonly do: "clear"; readonly prefix: string }
  | { readonly do: "lease"; readonly keys: readonly string[]; readonly expires: boolean }
  | { readonly do: "elsewhere" | "compact" | "revoke" }
  | {
      readonly do: "watch";
      readonly range: { readonly key: string } | { readonly prefix: string };
      readonly back: number;
      readonly prevKv: boolean;
      readonly progressNotify: boolean;
      readonly slow: boolean;
      readonly filters: readonly ("put" | "delete")[];
    }
  | { readonly do: "move" | "progress"; readonly who: number }
  | { readonly do: "fault"; readonly which: number }
  | { readonly do: "wait"; readonly ms: number };

const key = fc.constantFrom(...KEYS);
const some = fc.uniqueArray(key, { minLength: 1, maxLength: 3 });
const what = <const Name extends string>(name: Name): fc.Arbitrary<Name> => fc.constant(name);

const watch: fc.Arbitrary<Step> = fc.record({
  do: what("watch"),
  range: fc.oneof(fc.record({ prefix: fc.constantFrom("", "", "a") }), fc.record({ key })),
  back: fc.nat({ max: 30 }),
  prevKv: fc.boolean(),
  progressNotify: fc.boolean(),
  slow: fc.boolean(),
  filters: fc.constantFrom<("put" | "delete")[]>([], [], [], ["put"], ["delete"]),
});

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ do: fc.constantFrom("put" as const, "put", "delete"), key }) },
  { weight: 6, arbitrary: fc.record({ do: what("txn"), puts: some, deletes: some }) },
  { weight: 1, arbitrary: fc.record({ do: what("clear"), prefix: fc.constantFrom("", "a") }) },
  { weight: 2, arbitrary: fc.record({ do: what("lease"), keys: some, expires: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("elsewhere" as const, "compact", "revoke") }) },
  { weight: 3, arbitrary: watch },
  { weight: 4, arbitrary: fc.record({ do: what("move"), who: fc.nat({ max: 9 }) }) },
  { weight: 4, arbitrary: fc.record({ do: what("progress"), who: fc.nat({ max: 9 }) }) },
  { weight: 3, arbitrary: fc.record({ do: what("fault"), which: fc.nat({ max: 99 }) }) },
  // etcd brings watches that are behind up to date every 100 ms.
  { weight: 5, arbitrary: fc.record({ do: what("wait"), ms: fc.constantFrom(1, 5, 20, 150) }) },
);

/** Two watches to begin with, and then anything. */
export const steps: fc.Arbitrary<readonly Step[]> = fc
  .tuple(watch, watch, fc.array(step, { minLength: 40, maxLength: 90, size: "max" }))
  .map(([first, second, rest]) => [first, second, ...rest]);
