import { expect, test } from "vitest";
import { rpcs, services } from "@quorumkit/proto";
import { request, response, wireCase } from "./wire-case.ts";

const k = Buffer.from("k");
const l = Buffer.from("l");
const v = Buffer.from("v");
const header = { clusterId: 1n, memberId: 2n, revision: 3n, raftTerm: 4n };
const headerHex = "0a08 0801 1002 1803 2004";
const keyValue = { key: k, createRevision: 1n, modRevision: 2n, version: 3n, value: v, lease: 4n };
const keyValueHex = "0a016b 1001 1802 2003 2a0176 3004";
const txnRequest = request(rpcs.kv.txn, services.kv.txn);

const cases = [
  wireCase(
    "RangeRequest",
    request(rpcs.kv.range, services.kv.range),
    {
      key: k,
      rangeEnd: l,
      limit: 5n,
      revision: 7n,
      sortOrder: 2,
      sortTarget: 4,
      serializable: true,
      keysOnly: true,
      countOnly: true,
      minModRevision: 1n,
      maxModRevision: 2n,
      minCreateRevision: 3n,
      maxCreateRevision: 4n,
    },
    "0a016b 12016c 1805 2007 2802 3004 3801 4001 4801 5001 5802 6003 6804",
  ),
  wireCase(
    "RangeResponse, ResponseHeader and KeyValue",
    response(services.kv.range, rpcs.kv.range),
    { header, kvs: [keyValue], more: true, count: 9n },
    `${headerHex} 120e ${keyValueHex} 1801 2009`,
  ),
  wireCase(
    "RangeStreamResponse",
    response(services.kv.rangeStream, rpcs.kv.rangeStream),
    { rangeResponse: { count: 9n } },
    "0a02 2009",
  ),
  wireCase(
    "PutRequest",
    request(rpcs.kv.put, services.kv.put),
    { key: k, value: v, lease: 5n, prevKv: true, ignoreValue: true, ignoreLease: true },
    "0a016b 120176 1805 2001 2801 3001",
  ),
  wireCase(
    "PutResponse",
    response(services.kv.put, rpcs.kv.put),
    { header, prevKv: keyValue },
    `${headerHex} 120e ${keyValueHex}`,
  ),
  wireCase(
    "DeleteRangeRequest",
    request(rpcs.kv.deleteRange, services.kv.deleteRange),
    { key: k, rangeEnd: l, prevKv: true },
    "0a016b 12016c 1801",
  ),
  wireCase(
    "DeleteRangeResponse",
    response(services.kv.deleteRange, rpcs.kv.deleteRange),
    { header, deleted: 3n, prevKvs: [{ key: k }] },
    `${headerHex} 1003 1a03 0a016b`,
  ),
  wireCase(
    "TxnRequest with Compare and every RequestOp",
    txnRequest,
    {
      compare: [{ result: 3, target: 4, key: k, lease: 5n, rangeEnd: l }],
      success: [{ requestRange: { key: k } }, { requestPut: { key: k } }],
      failure: [{ requestDeleteRange: { key: k } }, { requestTxn: {} }],
    },
    `0a0d 0803 1004 1a016b 4005 8204016c
     1205 0a03 0a016b  1205 1203 0a016b
     1a05 1a03 0a016b  1a02 2200`,
  ),
  wireCase("Compare.version, though 0", txnRequest, { compare: [{ version: 0n }] }, "0a02 2000"),
  wireCase(
    "Compare.createRevision, though 0",
    txnRequest,
    { compare: [{ createRevision: 0n }] },
    "0a02 2800",
  ),
  wireCase("Compare.modRevision, though 0", txnRequest, { compare: [{ modRevision: 0n }] }, "0a02 3000"),
  wireCase("Compare.value, though empty", txnRequest, { compare: [{ value: Buffer.alloc(0) }] }, "0a02 3a00"),
  wireCase("Compare.lease, though 0", txnRequest, { compare: [{ lease: 0n }] }, "0a02 4000"),
  wireCase(
    "TxnResponse with every ResponseOp",
    response(services.kv.txn, rpcs.kv.txn),
    {
      header,
      succeeded: true,
      responses: [
        { responseRange: { count: 1n } },
        { responsePut: {} },
        { responseDeleteRange: { deleted: 1n } },
        { responseTxn: {} },
      ],
    },
    `${headerHex} 1001  1a04 0a02 2001  1a02 1200  1a04 1a02 1001  1a02 2200`,
  ),
  wireCase(
    "CompactionRequest",
    request(rpcs.kv.compact, services.kv.compact),
    { revision: 7n, physical: true },
    "0807 1001",
  ),
];

test.each(cases)("$name", ({ input, hex, encode, decode }) => {
  expect(encode()).toBe(hex);
  expect(decode()).toMatchObject(input);
});
