import { EtcdClient } from "@quorumkit/core";
import { startEtcd } from "@quorumkit/testing";
import { describe, expect, it } from "vitest";
import { KeyValue } from "../src/kv/key-value.ts";
import { ownBytes, ownKeyValue } from "../src/kv/own-bytes.ts";

/** A key and a value of this size, as they come in a message of that size. */
function decoded(size: number, messageSize: number): ConstructorParameters<typeof KeyValue>[0] {
  const message = Buffer.from(new ArrayBuffer(messageSize)).fill("v");
  const [key, value] = [message.subarray(0, 3), message.subarray(3, 3 + size)];
  return { key, value, createRevision: 1n, modRevision: 2n, version: 3n, lease: 4n };
}

describe("a key that is kept", () => {
  it("holds a small message, and one it is most of, as they are", () => {
    for (const wire of [decoded(10, 32 * 1024), decoded(60_000, 100_000)]) {
      expect(ownBytes(wire)).toBe(wire);
      const kv = new KeyValue(wire);
      expect(ownKeyValue(kv)).toBe(kv);
    }
  });

  it("does not hold a message that is much larger", () => {
    for (const [size, messageSize] of [
      [0, 33 * 1024],
      [10, 40_000_000],
      [40_000, 100_000],
    ] as const) {
      const wire = decoded(size, messageSize);
      const own = ownBytes(wire);
      expect(own).toEqual(wire);
      expect(own.key.buffer.byteLength).toBeLessThanOrEqual(Buffer.poolSize);
      expect(own.value.buffer.byteLength).toBeLessThanOrEqual(Math.max(Buffer.poolSize, size));
      const kv = ownKeyValue(new KeyValue(wire));
      expect(kv.toJSON()).toEqual(new KeyValue(wire).toJSON());
      expect(kv.keyBytes.buffer.byteLength).toBeLessThanOrEqual(Buffer.poolSize);
    }
  });

  it("does not hold what others asked for at the same time", async () => {
    await using server = await startEtcd();
    await using etcd = new EtcdClient({ endpoints: server.endpoints, coalesce: { writes: true } });
    const big = Buffer.alloc(300_000, "x");
    for (const key of ["1", "2", "3"]) await etcd.put(`big/${key}`, big);
    await etcd.put("small", "s");
    const keys = ["small", "big/1", "big/2", "big/3"];
    const kvs = await Promise.all(keys.map(async (key) => etcd.get(key)));
    expect(kvs.map((kv) => kv?.value.length)).toEqual([1, 300_000, 300_000, 300_000]);
    const puts = await Promise.all(keys.map(async (key) => etcd.put(key, "new", { prevKv: true })));
    expect(puts.map(({ prevKv }) => prevKv?.value.length)).toEqual([1, 300_000, 300_000, 300_000]);
    for (const kv of [...kvs, ...puts.map(({ prevKv }) => prevKv)]) {
      expect(kv?.value.buffer.byteLength).toBeLessThanOrEqual(300_000);
      expect(kv?.keyBytes.buffer.byteLength).toBeLessThanOrEqual(Buffer.poolSize);
    }
  });
});
