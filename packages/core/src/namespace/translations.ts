import {
  type CompareInput,
  type LeaderKeyInput,
  type RangeResponse,
  type RequestOpInput,
  type ResponseOp,
  type RpcMethod,
  rpcs,
  type TxnRequestInput,
  type TxnResponse,
} from "@quorumkit/proto";
import type { Namespace } from "./namespace.ts";

/** How the messages of one RPC get into a namespace, and out of it. */
interface Translation<Request, Response> {
  /** Gives the request with its keys as etcd has them. The caller's stays as it is, as it may be sent again. */
  readonly request: (namespace: Namespace, request: Request) => Request;
  /** Calls the keys of an answer by their names in the namespace, in place. */
  readonly response: (namespace: Namespace, response: Response) => void;
}

/** One RPC's translation, whatever its messages are. */
export type AnyTranslation = Translation<object, object>;

interface Keyed {
  key?: Uint8Array | undefined;
}

interface Ranged extends Keyed {
  rangeEnd?: Uint8Array | undefined;
}

interface Named {
  name?: Uint8Array | undefined;
}

const keyed = <Request extends Keyed>(namespace: Namespace, request: Request): Request => ({
  ...request,
  key: namespace.key(request.key),
});

const ranged = <Request extends Ranged>(namespace: Namespace, request: Request): Request => ({
  ...request,
  key: namespace.key(request.key),
  rangeEnd: namespace.rangeEnd(request.rangeEnd),
});

const named = <Request extends Named>(namespace: Namespace, request: Request): Request => ({
  ...request,
  name: namespace.key(request.name),
});

const ofLeader = <Request extends { leader?: LeaderKeyInput | null | undefined }>(
  namespace: Namespace,
  request: Request,
): Request => ({ ...request, leader: request.leader && named(namespace, keyed(namespace, request.leader)) });

const nothing = (): void => {};

function requestOp(namespace: Namespace, op: RequestOpInput): RequestOpInput {
  const { requestRange, requestPut, requestDeleteRange, requestTxn } = op;
  if (requestRange) return { requestRange: ranged(namespace, requestRange) };
  if (requestPut) return { requestPut: keyed(namespace, requestPut) };
  if (requestDeleteRange) return { requestDeleteRange: ranged(namespace, requestDeleteRange) };
  return requestTxn ? { requestTxn: txnRequest(namespace, requestTxn) } : op;
}

function txnRequest(namespace: Namespace, { compare, success, failure }: TxnRequestInput): TxnRequestInput {
  const op = (each: RequestOpInput): RequestOpInput => requestOp(namespace, each);
  return {
    compare: compare?.map((each): CompareInput => ranged(namespace, each)),
    success: success?.map(op),
    failure: failure?.map(op),
  };
}

function responseOp(namespace: Namespace, op: ResponseOp): void {
  if (op.responseRange) namespace.stripAll(op.responseRange.kvs);
  else if (op.responsePut) namespace.strip(op.responsePut.prevKv);
  else if (op.responseDeleteRange) namespace.stripAll(op.responseDeleteRange.prevKvs);
  else if (op.responseTxn) txnResponse(namespace, op.responseTxn);
}

function txnResponse(namespace: Namespace, { responses }: TxnResponse): void {
  for (const each of responses) responseOp(namespace, each);
}

function rangeResponse(namespace: Namespace, { kvs }: RangeResponse): void {
  namespace.stripAll(kvs);
}

/** The types of the messages come from the RPC. */
function of<Request, Response>(
  { path }: RpcMethod<Request, Response>,
  request: Translation<Request, Response>["request"],
  response: Translation<Request, Response>["response"],
): readonly [path: string, translation: AnyTranslation] {
  return [path, { request, response } as unknown as AnyTranslation];
}

/**
 * Every RPC in whose messages there are keys, by its path. The rest is the cluster's and knows no namespace: leases,
 * members, users with their permissions, maintenance, compaction.
 */
export const TRANSLATIONS: ReadonlyMap<string, AnyTranslation> = new Map([
  of(rpcs.kv.range, ranged, rangeResponse),
  of(rpcs.kv.rangeStream, ranged, (namespace, { rangeResponse: part }) => {
    if (part) rangeResponse(namespace, part);
  }),
  of(rpcs.kv.put, keyed, (namespace, { prevKv }) => namespace.strip(prevKv)),
  of(rpcs.kv.deleteRange, ranged, (namespace, { prevKvs }) => namespace.stripAll(prevKvs)),
  of(rpcs.kv.txn, txnRequest, txnResponse),
  of(
    rpcs.watch.watch,
    (namespace, request) =>
      request.createRequest ? { createRequest: ranged(namespace, request.createRequest) } : request,
    (namespace, { events }) => {
      for (const { kv, prevKv } of events) {
        namespace.strip(kv);
        namespace.strip(prevKv);
      }
    },
  ),
  of(
    rpcs.lease.leaseTimeToLive,
    (_, request) => request,
    (namespace, response) => {
      // A lease is the cluster's and may have keys elsewhere, too; they have no name in here.
      const keys = response.keys.filter((key) => namespace.has(key)).map((key) => namespace.name(key));
      (response as { keys: Buffer[] }).keys = keys;
    },
  ),
  of(rpcs.lock.lock, named, (namespace, response) => namespace.strip(response)),
  of(rpcs.lock.unlock, keyed, nothing),
  of(rpcs.election.campaign, named, (namespace, { leader }) => {
    namespace.strip(leader);
    if (leader) (leader as { name: Buffer }).name = namespace.name(leader.name);
  }),
  of(rpcs.election.proclaim, ofLeader, nothing),
  of(rpcs.election.resign, ofLeader, nothing),
  of(rpcs.election.leader, named, (namespace, { kv }) => namespace.strip(kv)),
  of(rpcs.election.observe, named, (namespace, { kv }) => namespace.strip(kv)),
]);
