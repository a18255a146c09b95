/** A number that only the server under test can give, such as a revision, since the two servers need not be at the same one. */
export type Ref =
  /** A revision counted from where the sequence began, or from where the store is now. */
  | { readonly from: "base" | "now"; readonly plus: number }
  /** The n-th of the leases whose id the server chose. */
  | { readonly autoLease: number };

/** A request as it is generated: bytes are latin1 text, so that a counterexample can be read. */
export type Sketch<T> = T extends bigint
  ? bigint | Ref
  : T extends Uint8Array
    ? string
    : T extends readonly (infer Item)[]
      ? readonly Sketch<Item>[]
      : T extends object
        ? { readonly [K in keyof T]: Sketch<T[K]> }
        : T;

/** What a reference is resolved with. */
export interface Place {
  /** The revision at which the sequence began. */
  readonly base: bigint;
  /** The newest revision seen. */
  readonly now: bigint;
  readonly autoLeases: readonly bigint[];
}

/** The fields that are bytes on the wire; in a sketch they are latin1 text. */
const BYTES = new Set(["key", "rangeEnd", "value"]);

/** A range end of no bytes that is on the wire all the same. */
export const SENT_EMPTY = "(sent, and empty)";

/** A lease that no server has, for a reference to one that was never granted. */
const NO_SUCH_LEASE = 0x7777n;

/** Turns a sketch into the request for one server. */
// The caller names the request, as with JSON.parse; the sketch's type has made sure of it.
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
export function resolve<T>(sketch: unknown, place: Place): T {
  return resolveAny(sketch, place) as T;
}

function resolveAny(sketch: unknown, place: Place): unknown {
  if (Array.isArray(sketch)) return sketch.map((item) => resolveAny(item, place));
  if (typeof sketch !== "object" || sketch === null) return sketch;
  if (isRef(sketch)) return resolveRef(sketch, place);
  return Object.fromEntries(
    Object.entries(sketch)
      // Old servers tell an empty range end that is sent from one that is not.
      .filter(([name, value]) => !(name === "rangeEnd" && value === ""))
      .map(([name, value]) => [name, resolveField(name, value, place)]),
  );
}

function resolveField(name: string, value: unknown, place: Place): unknown {
  if (!BYTES.has(name) || typeof value !== "string") return resolveAny(value, place);
  return Buffer.from(value === SENT_EMPTY ? "" : value, "latin1");
}

function isRef(sketch: object): sketch is Ref {
  return "from" in sketch || "autoLease" in sketch;
}

function resolveRef(ref: Ref, place: Place): bigint {
  if ("autoLease" in ref) return place.autoLeases[ref.autoLease] ?? NO_SUCH_LEASE;
  return place[ref.from] + BigInt(ref.plus);
}
