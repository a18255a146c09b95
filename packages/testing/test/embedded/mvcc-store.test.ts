import * as fc from "fast-check";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { StatusError, errors } from "../../src/embedded/errors.ts";
import { SortedList } from "../../src/embedded/mvcc/sorted-list.ts";
import { type Commit, MvccStore } from "../../src/embedded/mvcc/store.ts";
import { bytes } from "./kv-support.ts";

const all = { key: bytes("\0"), rangeEnd: bytes("\0") };

let store: MvccStore;
beforeEach(() => {
  store = new MvccStore();
});

const one = (key: string): { key: Buffer; rangeEnd: Buffer } => ({ key: bytes(key), rangeEnd: bytes("") });

function put(key: string, value: string): void {
  store.write((tx) => tx.put(bytes(key), bytes(value), 0n));
}

function remove(key: string): void {
  store.write((tx) => tx.delete(one(key)));
}

function read(revision = 0n): string {
  return store
    .range(all, revision)
    .map(({ key, value }) => `${String(key)}=${String(value)}`)
    .join(" ");
}

/** "3: put a=1 (a=0), delete b (b=1)" */
function line({ revision, events }: Commit): string {
  const parts = events.map(({ type, kv, prevKv }) => {
    const value = type === "put" ? `=${String(kv.value)}` : "";
    return `${type} ${String(kv.key)}${value}${prevKv ? ` (${String(prevKv.value)})` : ""}`;
  });
  return `${revision}: ${parts.join(", ")}`;
}

function log(from: bigint): string[] {
  return [...store.commitsSince(from)].map(line);
}

describe("revisions", () => {
  test("a new store is at 1, and a write that changes nothing leaves it there", () => {
    expect(store.revision).toBe(1n);
    expect(store.compactRevision).toBe(-1n);
    remove("a");
    expect(store.revision).toBe(1n);
    put("a", "1");
    expect(store.revision).toBe(2n);
  });

  test("a key's life begins anew after a delete", () => {
    put("a", "1");
    put("a", "2");
    expect(store.get(bytes("a"))).toMatchObject({ createRevision: 2n, modRevision: 3n, version: 2n });
    remove("a");
    put("a", "3");
    expect(store.get(bytes("a"))).toMatchObject({ createRevision: 5n, modRevision: 5n, version: 1n });
  });

  test("every revision can be read", () => {
    put("a", "1");
    put("b", "1");
    remove("a");
    expect([1n, 2n, 3n, 4n].map(read)).toEqual(["", "a=1", "a=1 b=1", "b=1"]);
    expect(() => read(5n)).toThrow(errors.futureRevision());
  });

  test("what is kept does not hold on to the message it came in", () => {
    const message = Buffer.alloc(100_000, "x");
    store.write((tx) => tx.put(message.subarray(0, 3), message.subarray(3, 6), 0n));
    const kv = store.get(bytes("xxx"));
    expect(kv?.key.buffer.byteLength).toBeLessThan(100_000);
    expect(kv?.value.buffer.byteLength).toBeLessThan(100_000);
  });
});

describe("a write", () => {
  test("sees its own changes and is one commit", () => {
    put("b", "0");
    store.write((tx) => {
      expect(tx.revision).toBe(3n);
      tx.put(bytes("a"), bytes("1"), 7n);
      expect(tx.range(all)).toHaveLength(2);
      expect(tx.delete({ key: bytes("a"), rangeEnd: bytes("c") })).toHaveLength(2);
      expect(tx.range(all)).toEqual([]);
      expect(tx.read(all, { revision: 2n }).kvs).toHaveLength(1);
    });
    expect(store.revision).toBe(3n);
    // The value before is that of the revision before.
    expect(log(3n)).toEqual(["3: put a=1, delete a, delete b (0)"]);
    expect([...store.commitsSince(3n)][0]?.events[1]?.kv).toMatchObject({ modRevision: 3n, version: 0n });
  });

  test("that deletes a key and puts it again begins a new life, which has nothing before it", () => {
    put("a", "0");
    store.write((tx) => {
      tx.delete(one("a"));
      tx.put(bytes("a"), bytes("1"), 0n);
    });
    expect(log(3n)).toEqual(["3: delete a (0), put a=1"]);
    expect(store.get(bytes("a"))).toMatchObject({ createRevision: 3n, version: 1n });
  });

  test("that throws has changed nothing", () => {
    put("a", "1");
    const before = store.sizeBytes();
    const listener = vi.fn<() => void>();
    store.onCommit(listener);
    expect(() =>
      store.write((tx) => {
        tx.put(bytes("a"), bytes("2"), 0n);
        tx.put(bytes("b"), bytes("2"), 0n);
        tx.delete(all);
        throw new Error("no");
      }),
    ).toThrow("no");
    expect(read()).toBe("a=1");
    expect(store.revision).toBe(2n);
    expect(store.sizeBytes()).toBe(before);
    expect(listener).not.toHaveBeenCalled();
    put("b", "3");
    expect(store.get(bytes("b"))).toMatchObject({ createRevision: 3n, version: 1n });
  });

  test("by a listener is told after the commit that caused it, to everybody", () => {
    const seen: string[] = [];
    store.onCommit((commit) => {
      seen.push(`first ${line(commit)}`);
      if (commit.revision === 2n) put("b", "1");
    });
    const end = store.onCommit((commit) => seen.push(`second ${line(commit)}`));
    put("a", "1");
    expect(seen).toEqual(["first 2: put a=1", "second 2: put a=1", "first 3: put b=1", "second 3: put b=1"]);
    end();
    put("c", "1");
    expect(seen).toHaveLength(5);
  });

  test("cannot begin inside another", () => {
    expect(() => store.write(() => store.write(() => undefined))).toThrow("inside another");
    put("a", "1");
    expect(read()).toBe("a=1");
  });
});

describe("compaction", () => {
  beforeEach(() => {
    for (const value of ["1", "2", "3"]) put("a", value);
    put("b", "1");
    remove("b");
    put("c", "1");
  });

  test("keeps the revision itself, and what came before is gone", () => {
    store.compact(4n);
    expect(store.compactRevision).toBe(4n);
    expect(read(4n)).toBe("a=3");
    expect(() => read(3n)).toThrow(errors.compacted());
    expect(read(5n)).toBe("a=3 b=1");
    expect(() => store.commitsSince(3n)).toThrow(errors.compacted());
    expect(log(4n)).toEqual(["4: put a=3", "5: put b=1", "6: delete b (1)", "7: put c=1"]);
  });

  test("frees what it takes", () => {
    store.compact(6n);
    const other = new MvccStore();
    for (const key of ["a", "c"]) other.write((tx) => tx.put(bytes(key), bytes("1"), 0n));
    expect(store.sizeBytes()).toBe(other.sizeBytes());
    expect(read()).toBe("a=3 c=1");
    expect(log(6n)).toEqual(["6: delete b", "7: put c=1"]);
    put("b", "2");
    expect(store.get(bytes("b"))).toMatchObject({ createRevision: 8n, version: 1n });
  });

  test("of the past or the future is refused", () => {
    store.compact(5n);
    expect(() => {
      store.compact(5n);
    }).toThrow(errors.compacted());
    expect(() => {
      store.compact(8n);
    }).toThrow(errors.futureRevision());
    store.compact(7n);
    expect(read()).toBe("a=3 c=1");
  });

  test("a store that was compacted twice reads as one that was compacted once", () => {
    const other = new MvccStore();
    for (const value of ["1", "2", "3"]) other.write((tx) => tx.put(bytes("a"), bytes(value), 0n));
    other.write((tx) => tx.put(bytes("b"), bytes("1"), 0n));
    other.write((tx) => tx.delete(one("b")));
    other.write((tx) => tx.put(bytes("c"), bytes("1"), 0n));
    store.compact(3n);
    store.compact(6n);
    other.compact(6n);
    expect(store.sizeBytes()).toBe(other.sizeBytes());
    expect(store.hash()).toBe(other.hash());
  });
});

describe("going back", () => {
  test("forgets what came later, and uses its revisions again", () => {
    const reset = vi.fn<() => void>();
    store.onReset(reset);
    put("a", "1");
    const hash = store.hash();
    put("a", "2");
    put("b", "1");
    store.write((tx) => {
      tx.delete(one("a"));
      tx.put(bytes("a"), bytes("3"), 0n);
    });
    store.rollBackTo(2n);
    expect(reset).toHaveBeenCalledOnce();
    expect(store.revision).toBe(2n);
    expect(read()).toBe("a=1");
    expect(log(0n)).toEqual(["2: put a=1"]);
    expect(store.hash()).toBe(hash);
    put("c", "1");
    expect(log(3n)).toEqual(["3: put c=1"]);
  });

  test("is refused beyond the compacted past and the present", () => {
    put("a", "1");
    put("a", "2");
    store.compact(3n);
    expect(() => {
      store.rollBackTo(2n);
    }).toThrow(errors.compacted());
    expect(() => {
      store.rollBackTo(4n);
    }).toThrow(errors.futureRevision());
    store.rollBackTo(3n);
    expect(read()).toBe("a=2");
  });

  test("to the beginning is a new store", () => {
    const reset = vi.fn<() => void>();
    store.onReset(reset);
    put("a", "1");
    store.compact(2n);
    store.clear();
    expect(reset).toHaveBeenCalledOnce();
    expect([store.revision, store.compactRevision, read(), store.sizeBytes()]).toEqual([1n, -1n, "", 0]);
    put("b", "1");
    expect(log(1n)).toEqual(["2: put b=1"]);
  });
});

test("keys stay in the order of their bytes, however many there are", () => {
  const name = fc.string({ unit: "binary-ascii", maxLength: 3 });
  const sizes = { minLength: 0, maxLength: 3000 };
  fc.assert(
    fc.property(fc.uniqueArray(name, sizes), fc.array(name), name, name, (names, removed, start, end) => {
      const list = new SortedList<{ name: string }>();
      for (const each of names) list.insert({ name: each });
      for (const each of removed) list.remove(each);
      const expected = names
        .filter((each) => !removed.includes(each) && each >= start && each < end)
        .sort((a, b) => (a < b ? -1 : 1));
      const found: string[] = [];
      list.visit(start, end, (entry) => found.push(entry.name));
      expect(found).toEqual(expected);
    }),
    { numRuns: 50 },
  );
});

test("a span without an end and one key are told apart, and bytes compare as bytes", () => {
  for (const key of ["\u00ff", "a", "\u007f", "ab", "\0"]) put(key, "");
  const found = (key: string, rangeEnd: string): string[] =>
    store.range({ key: bytes(key), rangeEnd: bytes(rangeEnd) }).map((kv) => kv.key.toString("latin1"));
  expect(found("a", "")).toEqual(["a"]);
  expect(found("a", "\0")).toEqual(["a", "ab", "\u007f", "\u00ff"]);
  expect(found("a", "b")).toEqual(["a", "ab"]);
  expect(found("b", "a")).toEqual([]);
  expect(found("\0", "\0")).toHaveLength(5);
});

test("errors carry etcd's code and text", () => {
  expect(errors.compacted()).toBeInstanceOf(StatusError);
  expect(errors.compacted()).toMatchObject({
    code: 11,
    details: "etcdserver: mvcc: required revision has been compacted",
  });
});
