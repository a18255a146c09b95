import { rpcs, type BidiStreamMethod, type UnaryMethod } from "@quorumkit/proto";

/**
 * What the client knows about an RPC beside its codec.
 *
 * - `read`: changes nothing, so it may be sent any number of times.
 * - `repeatable`: a write which, sent twice, leaves what it leaves when sent once.
 * - `write`: sent again only when it provably never ran.
 */
export type RpcKind = "read" | "repeatable" | "write";

export interface UnaryRpc<Request, Response> {
  readonly name: string;
  readonly method: UnaryMethod<Request, Response>;
  readonly kind: RpcKind;
  /** Asks the member to refuse when it sees no leader, rather than to answer from what it has. */
  readonly requireLeader: boolean;
}

export interface StreamRpc<Request, Response> {
  readonly name: string;
  readonly method: BidiStreamMethod<Request, Response>;
}

type Unary<Method> =
  Method extends UnaryMethod<infer Request, infer Response> ? UnaryRpc<Request, Response> : never;
type Stream<Method> =
  Method extends BidiStreamMethod<infer Request, infer Response> ? StreamRpc<Request, Response> : never;

function unary<Request, Response>(
  name: string,
  method: UnaryMethod<Request, Response>,
  kind: RpcKind,
  requireLeader = true,
): UnaryRpc<Request, Response> {
  return { name, method, kind, requireLeader };
}

/** Every RPC the client calls. A new one is a line here and a method on the noun it belongs to. */
export const range: Unary<typeof rpcs.kv.range> = unary("Range", rpcs.kv.range, "read");
/** A read that is content with what the asked member has. */
export const serializableRange: Unary<typeof rpcs.kv.range> = unary("Range", rpcs.kv.range, "read", false);
export const put: Unary<typeof rpcs.kv.put> = unary("Put", rpcs.kv.put, "write");
export const deleteRange: Unary<typeof rpcs.kv.deleteRange> = unary(
  "DeleteRange",
  rpcs.kv.deleteRange,
  "write",
);
export const txn: Unary<typeof rpcs.kv.txn> = unary("Txn", rpcs.kv.txn, "write");
export const readOnlyTxn: Unary<typeof rpcs.kv.txn> = unary("Txn", rpcs.kv.txn, "read");
/** A transaction whose compares find what an earlier sending of it did. */
export const repeatableTxn: Unary<typeof rpcs.kv.txn> = unary("Txn", rpcs.kv.txn, "repeatable");
/** Repeatable because the client chooses the id: a second sending is answered with "lease already exists". */
export const leaseGrant: Unary<typeof rpcs.lease.leaseGrant> = unary(
  "LeaseGrant",
  rpcs.lease.leaseGrant,
  "repeatable",
);
export const leaseRevoke: Unary<typeof rpcs.lease.leaseRevoke> = unary(
  "LeaseRevoke",
  rpcs.lease.leaseRevoke,
  "repeatable",
);
export const leaseTimeToLive: Unary<typeof rpcs.lease.leaseTimeToLive> = unary(
  "LeaseTimeToLive",
  rpcs.lease.leaseTimeToLive,
  "read",
);
export const leaseLeases: Unary<typeof rpcs.lease.leaseLeases> = unary(
  "LeaseLeases",
  rpcs.lease.leaseLeases,
  "read",
);

export const leaseKeepAlive: Stream<typeof rpcs.lease.leaseKeepAlive> = {
  name: "LeaseKeepAlive",
  method: rpcs.lease.leaseKeepAlive,
};
export const watch: Stream<typeof rpcs.watch.watch> = { name: "Watch", method: rpcs.watch.watch };
