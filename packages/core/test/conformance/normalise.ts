import type { Place } from "./resolve.ts";

/** Text, numbers and lists only, so that two of them can be compared and read. */
export type Plain = null | boolean | number | string | readonly Plain[] | { readonly [name: string]: Plain };

const REVISIONS = new Set(["revision", "createRevision", "modRevision", "compactRevision"]);
const LEASES = new Set(["ID", "lease"]);
/** What identifies a cluster and differs between any two: only that it is there can be compared. */
const IDENTITIES = new Set(["clusterId", "memberId", "raftTerm"]);

/** What answers are counted from. */
export interface Origin extends Pick<Place, "base" | "autoLeases"> {
  /** The auth store's revision when the sequence began. */
  readonly authBase?: bigint;
}

/** An answer of a server in terms that do not depend on which server it was. */
export function normalise(value: unknown, place: Origin, name = ""): Plain {
  if (typeof value === "bigint") return normaliseInteger(value, place, name);
  if (value instanceof Uint8Array) return normaliseText(Buffer.from(value).toString("latin1"), place);
  if (Array.isArray(value)) {
    const items = value.map((item) => normalise(item, place, name));
    return name === "leases" ? inOrder(items) : items;
  }
  if (typeof value === "object" && value !== null) return normaliseMessage(value, place);
  if (value === undefined) return null;
  return value as Plain;
}

/** Leases are told in the order of their ends, but by a member which does not lead in none: it does not know the ends. */
function inOrder(items: readonly Plain[]): readonly Plain[] {
  return items.toSorted((one, other) => JSON.stringify(one).localeCompare(JSON.stringify(other)));
}

function normaliseInteger(value: bigint, place: Origin, name: string): Plain {
  if (IDENTITIES.has(name)) return value === 0n ? "none" : "some";
  if (REVISIONS.has(name) && value > 0n) return `base${signed(value - place.base)}`;
  if (name === "authRevision") return `base${signed(value - (place.authBase ?? 0n))}`;
  if (LEASES.has(name)) {
    const auto = place.autoLeases.indexOf(value);
    if (auto >= 0) return `auto lease ${auto}`;
  }
  return String(value);
}

/** The keys of locks have a lease's id in them. */
function normaliseText(text: string, { autoLeases }: Origin): string {
  return autoLeases.reduce(
    (all, id, index) => all.replaceAll(id.toString(16), `(auto lease ${index})`),
    text,
  );
}

function normaliseMessage(message: object, place: Origin): Plain {
  const plain: Record<string, Plain> = {};
  // What was not on the wire stands in the prototype.
  for (const name in message) {
    const value = (message as Record<string, unknown>)[name];
    // Nor is everything there a field: "$type" is protobufjs' own.
    if (name.startsWith("$") || typeof value === "function" || value === undefined) continue;
    plain[name] = normalise(value, place, name);
  }
  return plain;
}

function signed(value: bigint): string {
  return value < 0n ? String(value) : `+${value}`;
}
