import type { RequestOpInput } from "@quorumkit/proto";
import { step, type Step } from "./script.ts";
import { bytes, put, range, del, setUp, WHO } from "./steps.ts";

const SPANS: readonly (readonly [string, string])[] = [
  ["a", ""],
  ["a", "b"],
  ["a", "aa"],
  ["a", "c"],
  ["a", "cc"],
  ["a", "d"],
  ["b", "c"],
  ["bz", "cc"],
  ["b", "a"],
  ["cc", ""],
  ["cc\0", ""],
  ["cc\0", "d"],
  ["x", "\0"],
  ["y", "z"],
  ["w", "\0"],
  ["\0", "\0"],
  ["one", ""],
  ["one", "onf"],
];

const txn = (
  as: string | undefined,
  {
    compare = [],
    then = [],
    otherwise = [],
  }: { compare?: string[]; then?: RequestOpInput[]; otherwise?: RequestOpInput[] },
): Step =>
  step(
    "kv",
    "txn",
    { compare: compare.map((key) => ({ key: bytes(key) })), success: then, failure: otherwise },
    as,
  );
const rangeOp = (key: string): RequestOpInput => ({ requestRange: { key: bytes(key) } });
const putOp = (key: string, more: { lease?: bigint; prevKv?: boolean } = {}): RequestOpInput => ({
  requestPut: { key: bytes(key), ...more },
});
const deleteOp = (key: string, prevKv = false): RequestOpInput => ({
  requestDeleteRange: { key: bytes(key), prevKv },
});

/** Keys: who may read, write, delete and compare what. */
export const keys: readonly Step[] = [
  ...setUp,
  ...WHO.flatMap((as) => [
    ...SPANS.map(([key, rangeEnd]) => range(key, rangeEnd, as)),
    ...SPANS.map(([key, rangeEnd]) => del(key, rangeEnd, as, key === "a")),
    ...SPANS.map(([key, rangeEnd]) => del(key, rangeEnd, as)),
    ...SPANS.map(([key]) => put(key, as)),
    put("a", as, { prevKv: true }),
    put("a", as, { lease: 5n }),
    put("a", as, { lease: 6n }),
    put("a", as, { lease: 99n }),
    put("", as),
    range("", "", as),
    txn(as, {}),
    txn(as, { compare: ["a"] }),
    txn(as, { compare: ["z"] }),
    txn(as, { then: [rangeOp("a")] }),
    txn(as, { otherwise: [rangeOp("q")] }),
    txn(as, { then: [putOp("a")] }),
    txn(as, { then: [putOp("a", { prevKv: true })] }),
    txn(as, { then: [putOp("a", { lease: 5n })] }),
    txn(as, { otherwise: [putOp("a", { lease: 5n })] }),
    txn(as, { then: [putOp("a"), putOp("a")] }),
    txn(as, { then: [deleteOp("a", true)] }),
    txn(as, { then: [deleteOp("a")], otherwise: [rangeOp("a")] }),
    txn(as, { then: [{ requestTxn: { compare: [{ key: bytes("q") }] } }] }),
    txn(as, { then: [{ requestTxn: { success: [rangeOp("a")], failure: [putOp("q")] } }] }),
    step("kv", "compact", { revision: 1_000_000n }, as),
    step("watch", "watch", { createRequest: { key: bytes("a"), rangeEnd: bytes("b") } }, as),
    step("watch", "watch", { createRequest: { key: bytes("a"), rangeEnd: bytes("d") } }, as),
    step("watch", "watch", { createRequest: { key: bytes("") } }, as),
    step("watch", "watch", { createRequest: { key: bytes("a"), startRevision: -1n } }, as),
  ]),
];
