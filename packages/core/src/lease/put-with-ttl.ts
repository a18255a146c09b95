import { isEtcdError } from "../errors/etcd-error.ts";
import type { Bytes } from "../kv/bytes.ts";
import { printable } from "../kv/printable.ts";
import { putRequest, putResult } from "../kv/put.ts";
import { CALL_OPTIONS, type CallOptions, timeoutOption } from "../transport/call-options.ts";
import type { Connection } from "../transport/connection.ts";
import * as rpcs from "../transport/rpcs.ts";
import { refuseUnknown } from "../util/validate.ts";
import { type Lease, ttlOption } from "./lease.ts";
import type { Leases } from "./leases.ts";
import { revokeLease } from "./revoke-lease.ts";

export interface PutWithTtlOptions extends CallOptions {
  /** How long the key stays, in whole seconds. etcd raises it to its minimum, 2 by default. */
  readonly ttlSeconds: number;
}

export interface PutWithTtlResult {
  /** The revision of this write. */
  readonly revision: bigint;
  /** The lease the key lives on: renew it to keep the key, revoke it to end it early. */
  readonly lease: Lease;
}

/** What is left of a put that failed is not worth more waiting than this: the lease ends by itself. */
const CLEAN_UP_MS = 1_000;

/** A lease and a put, as one call with one deadline. */
export async function putWithTtl(
  { connection, leases }: { readonly connection: Connection; readonly leases: Leases },
  key: Bytes,
  value: Bytes,
  options: PutWithTtlOptions,
): Promise<PutWithTtlResult> {
  refuseUnknown(options, ["ttlSeconds", ...CALL_OPTIONS], "putWithTtl");
  const { signal } = options;
  const ttlSeconds = ttlOption(options.ttlSeconds);
  const limitMs = timeoutOption(options.timeoutMs, connection.defaultTimeoutMs);
  // Wrong input is refused before there is a lease.
  const request = putRequest(key, value, {});
  const deadline = performance.now() + limitMs;
  const lease = await leases.grant({ ttlSeconds, signal, timeoutMs: limitMs });
  try {
    const timeoutMs = Math.max(1, deadline - performance.now());
    const response = await connection.unary(rpcs.put, { ...request, lease: lease.id }, { signal, timeoutMs });
    return printable({ revision: putResult(response).revision, lease });
  } catch (error) {
    // Where the key may be there its lease must stay, or a write that succeeded would be undone.
    if (isEtcdError(error) && error.outcome === "notApplied") {
      const cleanUp = { timeoutMs: Math.min(CLEAN_UP_MS, limitMs), whileClosing: true };
      await revokeLease(connection, lease.id, cleanUp).catch(() => {});
    }
    throw error;
  }
}
