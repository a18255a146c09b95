import { randomBytes } from "node:crypto";
import { EtcdError } from "../errors/etcd-error.ts";
import { printable } from "../kv/printable.ts";
import { numberOption } from "../util/validate.ts";

/** A granted lease: keys put with it are deleted when it ends. */
export interface Lease {
  readonly id: bigint;
  /** The TTL etcd granted, in seconds. It may be more than was asked for: etcd has a minimum. */
  readonly ttlSeconds: number;
}

export function toLease(id: bigint, ttlSeconds: number | bigint): Lease {
  return printable({ id, ttlSeconds: Number(ttlSeconds) });
}

/** etcd's own limit (`lease/lessor.go`). */
const MAX_TTL_SECONDS = 9_000_000_000;

export function ttlOption(value: number | undefined, fallback?: number): number {
  const ttl = numberOption(value, "ttlSeconds", {
    min: 1,
    max: MAX_TTL_SECONDS,
    integer: true,
    fallback: fallback ?? Number.NaN,
  });
  if (Number.isNaN(ttl))
    throw new TypeError(
      `ttlSeconds must be a whole number between 1 and ${MAX_TTL_SECONDS}, received undefined`,
    );
  return ttl;
}

export function leaseNotFound(id: bigint): EtcdError {
  return new EtcdError("LEASE_NOT_FOUND", `lease ${id.toString(16)} does not exist`);
}

/**
 * A random positive 63-bit id. The client chooses it, so that a grant whose answer was lost can be sent again without
 * leaving a second lease behind.
 */
export function newLeaseId(): bigint {
  const id = randomBytes(8).readBigUInt64BE() & 0x7fff_ffff_ffff_ffffn;
  return id === 0n ? newLeaseId() : id;
}
