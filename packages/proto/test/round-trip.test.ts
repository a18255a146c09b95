import { describe, expect, test } from "vitest";
import { CompareResult, CompareTarget, EventType, ServingStatus, rpcs, services } from "@quorumkit/proto";
import type { ResponseHeaderInput, ServiceMethod, TxnRequestInput } from "@quorumkit/proto";

const int64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n };
const bytes = (text: string): Buffer => Buffer.from(text);

/** What the other side of a call makes of a request, and of an answer. */
function sendRequest<I, O>(client: { requestSerialize(input: I): Buffer }, server: Decodes<O>, input: I): O {
  return server.requestDeserialize(client.requestSerialize(input));
}
function sendResponse<I, O>(
  server: Pick<ServiceMethod<never, I>, "responseSerialize">,
  client: Receives<O>,
  input: I,
): O {
  return client.responseDeserialize(server.responseSerialize(input));
}
interface Decodes<O> {
  requestDeserialize(buffer: Buffer): O;
}
interface Receives<O> {
  responseDeserialize(buffer: Buffer): O;
}

describe("64-bit integers", () => {
  test.each([0n, 1n, -1n, 2n ** 53n, 2n ** 53n + 1n, -(2n ** 53n) - 1n, int64.min, int64.max])(
    "int64 %d comes back as the same bigint",
    (lease) => {
      const { put } = rpcs.kv;
      expect(sendRequest(put, services.kv.put, { key: bytes("k"), lease }).lease).toBe(lease);
    },
  );

  test.each([0n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 63n + 1n, 2n ** 64n - 1n])(
    "uint64 %d comes back as the same bigint",
    (id) => {
      const { memberRemove } = rpcs.cluster;
      expect(sendRequest(memberRemove, services.cluster.memberRemove, { ID: id }).ID).toBe(id);
    },
  );

  test("deep inside a message and in every item of a list", () => {
    const header: ResponseHeaderInput = {
      clusterId: 2n ** 64n - 1n,
      memberId: 2n ** 63n,
      revision: int64.max,
      raftTerm: 7n,
    };
    const leases = [int64.min, -1n, 1n, int64.max];
    const answer = sendResponse(services.lease.leaseLeases, rpcs.lease.leaseLeases, {
      header,
      leases: leases.map((ID) => ({ ID })),
    });
    expect(answer).toEqual({ header, leases: leases.map((ID) => ({ ID })) });
  });
});

describe("what was not sent", () => {
  test("scalars have their default, lists are empty, sub-messages are null", () => {
    expect(rpcs.kv.range.responseDeserialize(Buffer.alloc(0))).toMatchObject({
      header: null,
      kvs: [],
      more: false,
      count: 0n,
    });
    expect(rpcs.maintenance.status.responseDeserialize(Buffer.alloc(0))).toMatchObject({
      header: null,
      version: "",
      dbSize: 0n,
      leader: 0n,
      raftIndex: 0n,
      raftTerm: 0n,
      raftAppliedIndex: 0n,
      errors: [],
      dbSizeInUse: 0n,
      isLearner: false,
      storageVersion: "",
      dbSizeQuota: 0n,
      downgradeInfo: null,
    });
  });

  test("bytes are an empty Buffer, and enums their number 0", () => {
    const { key, rangeEnd, sortOrder } = services.kv.range.requestDeserialize(Buffer.alloc(0));
    expect([key, rangeEnd].every((value) => Buffer.isBuffer(value) && value.length === 0)).toBe(true);
    expect(sortOrder).toBe(0);
  });

  test("a oneof has neither a member nor a name", () => {
    expect(services.watch.watch.requestDeserialize(Buffer.alloc(0))).toEqual({});
    expect(
      Object.keys(services.kv.txn.requestDeserialize(Buffer.from("1200", "hex")).success[0] ?? { none: 1 }),
    ).toEqual([]);
  });

  test("undefined and null in an input mean: not set", () => {
    const { requestSerialize } = rpcs.kv.put;
    expect(requestSerialize({ key: undefined, lease: undefined, prevKv: undefined })).toHaveLength(0);
    expect(services.kv.put.responseSerialize({ header: null, prevKv: undefined })).toHaveLength(0);
  });
});

describe("bytes", () => {
  const all = Uint8Array.from({ length: 256 }, (_, index) => index);

  test("any bytes pass unchanged and come as Buffer", () => {
    const { key, value } = sendRequest(rpcs.kv.put, services.kv.put, { key: all, value: new Uint8Array(0) });
    expect(Buffer.isBuffer(key)).toBe(true);
    expect(key).toEqual(Buffer.from(all));
    expect(value).toHaveLength(0);
  });

  test("a list of bytes", () => {
    const { keys } = sendResponse(services.lease.leaseTimeToLive, rpcs.lease.leaseTimeToLive, {
      keys: [all, new Uint8Array(0)],
    });
    expect(keys).toEqual([Buffer.from(all), Buffer.alloc(0)]);
    expect(keys.every((key) => Buffer.isBuffer(key))).toBe(true);
  });
});

describe("oneof", () => {
  test("a transaction keeps its compares and operations, nested ones too", () => {
    const input: TxnRequestInput = {
      compare: [
        { result: CompareResult.EQUAL, target: CompareTarget.CREATE, key: bytes("k"), createRevision: 0n },
        { result: CompareResult.NOT_EQUAL, target: CompareTarget.VALUE, key: bytes("k"), value: bytes("v") },
      ],
      success: [
        { requestPut: { key: bytes("k") } },
        { requestTxn: { failure: [{ requestDeleteRange: {} }] } },
      ],
      failure: [{ requestRange: { key: bytes("k") } }],
    };
    const txn = sendRequest(rpcs.kv.txn, services.kv.txn, input);
    expect(txn.compare).toMatchObject([
      { targetUnion: "createRevision", createRevision: 0n },
      { targetUnion: "value", value: bytes("v"), result: 3, target: 3 },
    ]);
    expect(txn.compare[1]).not.toHaveProperty("createRevision");
    expect(txn.success.map((operation) => operation.request)).toEqual(["requestPut", "requestTxn"]);
    expect(txn.success[1]?.requestTxn?.failure[0]?.request).toBe("requestDeleteRange");
    expect(txn.failure[0]).toMatchObject({ request: "requestRange", requestRange: { key: bytes("k") } });
    expect(txn.failure[0]).not.toHaveProperty("requestPut");
  });

  test("a decoded message can be sent on as it is", () => {
    const input: TxnRequestInput = { success: [{ requestPut: { key: bytes("k"), lease: int64.max } }] };
    const decoded = sendRequest(rpcs.kv.txn, services.kv.txn, input);
    expect(sendRequest(rpcs.kv.txn, services.kv.txn, decoded)).toEqual(decoded);
  });
});

describe("the rest", () => {
  test("watch answers carry events with numeric types", () => {
    const { events } = sendResponse(services.watch.watch, rpcs.watch.watch, {
      watchId: -1n,
      events: [{ kv: { key: bytes("a") } }, { type: EventType.DELETE, kv: { key: bytes("b") }, prevKv: {} }],
    });
    expect(events.map(({ type }) => type)).toEqual([EventType.PUT, EventType.DELETE]);
    expect(events.map(({ prevKv }) => prevKv === null)).toEqual([true, false]);
  });

  test("a value this version does not know stays a number", () => {
    // AlarmResponse { alarms: [AlarmMember { alarm: 9 }] }
    const { alarms } = rpcs.maintenance.alarm.responseDeserialize(Buffer.from("12021009", "hex"));
    expect(alarms[0]?.alarm).toBe(9);
  });

  test("a field this version does not know is passed over", () => {
    // CompactionResponse with field 99, a string.
    expect(rpcs.kv.compact.responseDeserialize(Buffer.from("9a060378797a", "hex"))).toMatchObject({
      header: null,
    });
  });

  test("a map is a plain object", () => {
    const statuses = { kv: { status: ServingStatus.SERVING }, "": { status: ServingStatus.NOT_SERVING } };
    expect(sendResponse(services.health.list, rpcs.health.list, { statuses })).toEqual({ statuses });
    expect(rpcs.health.list.responseDeserialize(Buffer.alloc(0))).toEqual({ statuses: {} });
  });

  test("a varint that never ends is an error, and so is one that is cut off", () => {
    // Field 4 of RangeResponse, the count.
    const endless = Buffer.concat([Buffer.from([0x20]), Buffer.alloc(11, 0xff)]);
    expect(() => rpcs.kv.range.responseDeserialize(endless)).toThrow(RangeError);
    expect(() => rpcs.kv.range.responseDeserialize(Buffer.from([0x20, 0x80]))).toThrow(RangeError);
  });

  test("broken bytes are an error, not an empty message", () => {
    expect(() => rpcs.kv.range.responseDeserialize(Buffer.from("12ff", "hex"))).toThrow(RangeError);
  });
});
