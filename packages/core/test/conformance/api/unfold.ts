import type { KeyValue } from "@quorumkit/core";

/** Turns what EtcdClient gives into objects of fields: a KeyValue has only getters. */
export function unfold(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unfold);
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  if ("keyBytes" in value) return unfoldKeyValue(value as KeyValue);
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, unfold(each)]));
}

function unfoldKeyValue(kv: KeyValue): object {
  const { keyBytes, value, createRevision, modRevision, version, lease } = kv;
  return { key: keyBytes, value, createRevision, modRevision, version, lease };
}
