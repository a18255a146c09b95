import type { KeySpan } from "../mvcc/key-span.ts";

/** What a caller may do with keys. Each function throws a StatusError, "permission denied", when it may not. */
export interface KvAccess {
  read(span: KeySpan): void;
  write(span: KeySpan): void;
  /** Whether each of the keys, those of a lease, may be written. */
  writeEach(keys: Iterable<Uint8Array>): void;
}

/**
 * Who asks. `access` is read after the request's form was checked, as etcd does it, and may throw (a bad token);
 * `undefined`: everything is allowed.
 */
export interface Caller {
  readonly access: KvAccess | undefined;
}
