import type { KeyValue, PutRequestInput, RangeRequest, RangeResponseInput } from "@quorumkit/proto";
import { services } from "@quorumkit/proto";
import { describe, expect, test } from "vitest";
import { errors } from "../../src/embedded/errors.ts";
import type { Caller } from "../../src/embedded/kv/access.ts";
import type { KeySpan } from "../../src/embedded/mvcc/store.ts";
import { TestKv, bytes } from "./kv-support.ts";

const notFound = { code: "INVALID_ARGUMENT", details: "etcdserver: key not found" };
const noLease = { code: "NOT_FOUND", details: "etcdserver: requested lease not found" };
const denied = { code: "PERMISSION_DENIED", details: "etcdserver: permission denied" };

function rangeRequest(request: object): RangeRequest {
  return services.kv.range.requestDeserialize(
    services.kv.rangeStream.requestSerialize(request as RangeRequest),
  );
}

describe("leases", () => {
  test("a key is on the lease of its last put, and on none after a delete", () => {
    const kv = new TestKv();
    for (const id of [1n, 2n]) kv.leases.grant(id);
    kv.call({ put: { key: bytes("a"), lease: 1n } });
    kv.call({ put: { key: bytes("b"), lease: 1n } });
    expect(kv.leases.namesOf(1n)).toEqual(["a", "b"]);
    kv.call({ put: { key: bytes("a"), lease: 2n } });
    expect([kv.leases.namesOf(1n), kv.leases.namesOf(2n)]).toEqual([["b"], ["a"]]);
    kv.call({ put: { key: bytes("a"), ignoreLease: true } });
    expect(kv.leases.namesOf(2n)).toEqual(["a"]);
    kv.call({ put: { key: bytes("a") } });
    kv.call({ deleteRange: { key: bytes("b") } });
    expect([kv.leases.namesOf(1n), kv.leases.namesOf(2n)]).toEqual([[], []]);
  });

  test("a transaction that is refused moves nothing", () => {
    const kv = new TestKv();
    kv.leases.grant(1n);
    kv.call({ put: { key: bytes("a") } });
    // A real etcd panics here: the delete, which overlaps nothing in its eyes, takes the value that is to stay.
    const success = [
      { requestPut: { key: bytes("0"), lease: 1n } },
      { requestDeleteRange: { key: bytes("a"), rangeEnd: bytes("\0") } },
      { requestPut: { key: bytes("a"), lease: 1n, ignoreValue: true } },
    ];
    expect(kv.call({ txn: { success } })).toEqual(notFound);
    expect(kv.leases.namesOf(1n)).toEqual([]);
    expect(kv.store.revision).toBe(2n);
  });
});

describe("what the caller may do", () => {
  /** May do all but what is named, such as "read a" or "write b". */
  function butNot(forbidden: string): Caller & { readonly asked: string[] } {
    const asked: string[] = [];
    const ask = (what: string, { key, rangeEnd }: KeySpan): void => {
      asked.push(`${what} ${String(key)}${rangeEnd.length > 0 ? `-${String(rangeEnd)}` : ""}`);
      if (asked.at(-1) === forbidden) throw errors.permissionDenied();
    };
    return {
      asked,
      access: {
        read: (span) => {
          ask("read", span);
        },
        write: (span) => {
          ask("write", span);
        },
        writeEach: (keys) => {
          for (const key of keys) ask("write", { key, rangeEnd: bytes("") });
        },
      },
    };
  }

  const txn = {
    compare: [{ key: bytes("compared") }],
    success: [{ requestPut: { key: bytes("put"), prevKv: true } }],
    failure: [
      {
        requestTxn: {
          compare: [{ key: bytes("inner") }],
          success: [{ requestRange: { key: bytes("a"), rangeEnd: bytes("b") } }],
          failure: [{ requestDeleteRange: { key: bytes("c"), rangeEnd: bytes("d"), prevKv: true } }],
        },
      },
    ],
  };

  test("is asked for every key of a transaction, in whatever branch, before anything is changed", () => {
    const kv = new TestKv();
    const caller = butNot("read c-d");
    expect(kv.call({ txn }, caller)).toEqual(denied);
    expect(caller.asked).toEqual([
      "read compared",
      "write put",
      "read put",
      "read inner",
      "read a-b",
      "write c-d",
      "read c-d",
    ]);
    expect(kv.store.revision).toBe(1n);
  });

  test("covers the other keys of a lease that is put on a key", () => {
    const kv = new TestKv();
    kv.leases.grant(1n);
    kv.call({ put: { key: bytes("other"), lease: 1n } });
    expect(kv.call({ put: { key: bytes("a"), lease: 1n } }, butNot("write other"))).toEqual(denied);
    expect(kv.call({ put: { key: bytes("a") } }, butNot("write other"))).toHaveProperty("answer");
  });

  test("comes after the form of a request and before what the store says", () => {
    const kv = new TestKv();
    expect(kv.call({ range: { key: bytes("") } }, butNot("read "))).toHaveProperty(
      "details",
      errors.emptyKey().details,
    );
    expect(kv.call({ range: { key: bytes("a"), revision: 99n } }, butNot("read a"))).toEqual(denied);
    expect(kv.call({ put: { key: bytes("a"), lease: 99n } }, butNot("write a"))).toEqual(denied);
    const badToken: Caller = {
      get access(): never {
        throw errors.invalidAuthToken();
      },
    };
    const large = { put: { key: bytes("a"), value: Buffer.alloc(2_000_000) } };
    expect(kv.call(large, badToken)).toHaveProperty("code", "UNAUTHENTICATED");
    expect(kv.call(large, butNot("write a"))).toHaveProperty("details", errors.requestTooLarge().details);
  });
});

describe("the versions of etcd", () => {
  const put: PutRequestInput = { key: bytes("a"), lease: 9n, ignoreValue: true };
  const success = [{ requestRange: { key: bytes("a"), revision: 99n } }, { requestPut: put }];

  test.for(["3.4.37", "3.5"])("%s looks at a transaction's puts before its ranges", (version) => {
    expect(new TestKv({ version }).call({ txn: { success } })).toEqual(notFound);
  });

  test.for(["3.6.14", "3.7"])("%s looks at one operation after the other", (version) => {
    expect(new TestKv({ version }).call({ txn: { success } })).toHaveProperty("code", "OUT_OF_RANGE");
  });

  test("3.7 misses the lease before the key, and leaves leases out of keys", () => {
    const old = new TestKv({ version: "3.6" });
    const kv = new TestKv({ version: "3.7" });
    expect(old.call({ txn: { success: [{ requestPut: put }] } })).toEqual(notFound);
    expect(kv.call({ txn: { success: [{ requestPut: put }] } })).toEqual(noLease);
    for (const each of [old, kv]) {
      each.leases.grant(1n);
      each.call({ put: { key: bytes("a"), lease: 1n } });
    }
    const call = { range: { key: bytes("a"), keysOnly: true } };
    expect(old.call(call)).toHaveProperty("answer.kvs.0.lease", "1n");
    expect(kv.call(call)).not.toHaveProperty("answer.kvs.0.lease");
  });

  test.for(["3", "3.3", "4.0", "3.x", ""])("%j is refused", (version) => {
    expect(() => new TestKv({ version })).toThrow(TypeError);
  });

  test("a limit that is no whole number is refused", () => {
    expect(() => new TestKv({ maxTxnOps: 0 })).toThrow(
      "maxTxnOps must be a whole number of at least 1, got 0",
    );
    expect(() => new TestKv({ maxRequestBytes: 1.5 })).toThrow(TypeError);
  });
});

describe("a range in pieces", () => {
  function filled(): TestKv {
    const kv = new TestKv({ version: "3.7" });
    for (let index = 0; index < 100; index += 1)
      kv.call({ put: { key: bytes(`key/${String(index).padStart(3, "0")}`) } });
    return kv;
  }

  function stream(kv: TestKv, request: object): RangeResponseInput[] {
    return [...kv.kv.rangeStream(rangeRequest({ key: bytes("key/"), rangeEnd: bytes("key0"), ...request }))];
  }

  const keysOf = (pieces: readonly RangeResponseInput[]): string[] =>
    pieces.flatMap(({ kvs }) => (kvs ?? []) as KeyValue[]).map(({ key }) => String(key));

  test("has all keys, in order and of one revision, and says the rest at its end", () => {
    const kv = filled();
    const pieces: RangeResponseInput[] = [];
    for (const piece of kv.kv.rangeStream(rangeRequest({ key: bytes("key/"), rangeEnd: bytes("key0") }))) {
      pieces.push(piece);
      kv.call({ put: { key: bytes("key/new") } });
      kv.call({ deleteRange: { key: bytes("key/099") } });
    }
    expect(pieces.map(({ kvs }) => kvs?.length)).toEqual([10, 20, 40, 30]);
    expect(keysOf(pieces)).toEqual(
      Array.from({ length: 100 }, (_, index) => `key/${String(index).padStart(3, "0")}`),
    );
    expect(pieces.map(({ header }) => header?.revision)).toEqual([undefined, undefined, undefined, 101n]);
    expect(pieces.at(-1)).toMatchObject({ more: false, count: 100n });
  });

  test("keeps the limit, and counts beyond it", () => {
    const pieces = stream(filled(), { limit: 25n });
    expect(pieces.map(({ kvs }) => kvs?.length)).toEqual([10, 15]);
    expect(pieces.at(-1)).toMatchObject({ more: true, count: 100n });
    expect(stream(filled(), { countOnly: true })).toEqual([{ header: { revision: 101n }, count: 100n }]);
  });

  test("is unknown before 3.7, and knows no order", () => {
    expect(() => stream(new TestKv({ version: "3.6" }), {})).toThrow("unknown method RangeStream");
    expect(() => stream(filled(), { sortOrder: 2 })).toThrow(
      "RangeStream does not support custom sort orders",
    );
    expect(() => stream(filled(), { minModRevision: 2n })).toThrow(
      "RangeStream does not support revision filters",
    );
  });
});
