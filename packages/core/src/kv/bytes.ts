import { describe } from "../util/validate.ts";

/** A key or value: text (as UTF-8) or bytes. */
export type Bytes = string | Uint8Array;

/** The bytes as they go on the wire, without a copy where there are bytes already. */
export function toBytes(value: Bytes, name: string): Uint8Array {
  if (typeof value === "string") return Buffer.from(value, "utf8");
  if (value instanceof Uint8Array) return value;
  throw new TypeError(`${name} must be a string or a Uint8Array, received ${describe(value)}`);
}

/** A key of at least one byte, which is what etcd demands. */
export function toKey(value: Bytes, name = "key"): Uint8Array {
  const bytes = toBytes(value, name);
  if (bytes.length === 0) throw new TypeError(`${name} must not be empty`);
  return bytes;
}

/** A key as what a map can hold. Keys need not be UTF-8; latin1 has one character for each byte, and goes back. */
export function keyId(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("latin1");
}
