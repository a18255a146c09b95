import { EtcdClient, EtcdError, type Isolation, type StmTransaction } from "@quorumkit/core";
import { deferred } from "@quorumkit/core/internal";
import { type EtcdServer, startEtcd } from "@quorumkit/testing";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { stm } from "../src/stm/stm.ts";
import type { StmClient } from "../src/stm/transaction.ts";

let server: EtcdServer;
let etcd: EtcdClient;
beforeAll(async () => {
  server = await startEtcd();
  etcd = new EtcdClient({ endpoints: server.endpoints });
});
afterAll(async () => {
  await etcd.close();
  await server.close();
});

let names = 0;
const newName = (): string => `stm-test/${names++}`;
const LEVELS = ["serializableSnapshot", "serializable", "repeatableReads", "readCommitted"] as const;

async function numberAt(reader: Pick<StmTransaction, "get">, key: string): Promise<number> {
  return Number((await reader.get(key))?.text());
}

describe("a transaction", () => {
  it("gives what the function returned, and the revision of its writes", async () => {
    const name = newName();
    await etcd.put(`${name}/old`, "1");
    const done = await etcd.stm(async (tx) => {
      const value = (await tx.get(`${name}/old`))?.text();
      tx.put(`${name}/new`, "2");
      tx.delete(`${name}/old`);
      tx.delete(`${name}/never`);
      return value;
    });
    const written = await etcd.get(`${name}/new`);
    expect(done).toEqual({ result: "1", revision: written?.modRevision, attempts: 1 });
    expect(written?.text()).toBe("2");
    expect(await etcd.get(`${name}/old`)).toBeUndefined();
  });

  it("reads its own writes, and each key once", async () => {
    const key = newName();
    await etcd.put(key, "before");
    const { result } = await etcd.stm(async (tx) => {
      const first = await tx.get(key);
      await etcd.put(`${key}/other`, "x");
      const again = await tx.get(Buffer.from(key));
      tx.put(key, "mine");
      const mine = await tx.get(key);
      tx.delete(key);
      const deleted = await tx.get(key);
      tx.put(key, "at last");
      return { same: first === again, mine: mine?.text(), modRevision: mine?.modRevision, deleted };
    });
    expect(result).toEqual({ same: true, mine: "mine", modRevision: 0n, deleted: undefined });
    expect((await etcd.get(key))?.text()).toBe("at last");
  });

  it("takes keys and values as bytes, as they were when they were given", async () => {
    const key = Buffer.from([0x73, 0xff, 0x00, names++]);
    const value = Buffer.from([0xfe]);
    const keyThen = Buffer.from(key);
    await etcd.stm((tx) => {
      tx.put(key, value);
      key.fill(1);
      value.fill(1);
    });
    expect((await etcd.get(keyThen))?.value).toEqual(Buffer.from([0xfe]));
  });

  it("puts on a lease", async () => {
    const key = newName();
    const lease = await etcd.leases.grant({ ttlSeconds: 30 });
    await etcd.stm((tx) => tx.put(key, "", { lease }));
    expect((await etcd.get(key))?.lease).toBe(lease.id);
    await etcd.leases.revoke(lease);
    expect(await etcd.get(key)).toBeUndefined();
  });

  it("passes on an error of the function as it is, and writes nothing", async () => {
    const key = newName();
    const broken = new Error("broken");
    const failing = etcd.stm((tx) => {
      tx.put(key, "x");
      throw broken;
    });
    await expect(failing).rejects.toBe(broken);
    expect(await etcd.get(key)).toBeUndefined();
  });

  it("that only reads is of one revision, and sends no commit", async () => {
    const name = newName();
    const { revision } = await etcd.put(`${name}/a`, "1");
    const txn = vi.spyOn(etcd, "txn");
    const done = await etcd.stm(async (tx) => {
      await tx.get(`${name}/a`);
      const later = await etcd.put(`${name}/b`, "2");
      expect(later.revision).toBeGreaterThan(revision);
      return tx.get(`${name}/b`);
    });
    expect(done).toEqual({ result: undefined, revision, attempts: 1 });
    expect(txn).not.toHaveBeenCalled();
  });

  it("reads several keys at once of one revision", async () => {
    const name = newName();
    await etcd.put(`${name}/a`, "1");
    const { result, revision } = await etcd.stm(async (tx) =>
      Promise.all([tx.get(`${name}/a`), tx.get(`${name}/b`), tx.get(`${name}/a`)]),
    );
    expect(result.map((kv) => kv?.text())).toEqual(["1", undefined, "1"]);
    expect(revision).toBe(result[0]?.modRevision);
  });
});

/** Runs `other` between the reads and the writes of the first run of a transaction. */
async function interleave<T>(
  isolation: Isolation,
  other: () => Promise<unknown>,
  fn: (tx: StmTransaction, meanwhile: () => Promise<void>) => Promise<T>,
): Promise<{ result: T; attempts: number; revision: bigint }> {
  let first = true;
  return etcd.stm(
    async (tx) =>
      fn(tx, async () => {
        if (first) await other();
        first = false;
      }),
    { isolation },
  );
}

describe("isolation", () => {
  it.each(LEVELS.slice(0, 3))("%s: concurrent transfers keep the sum", async (isolation) => {
    const name = newName();
    const accounts = Array.from({ length: 4 }, (_, index) => `${name}/${index}`);
    await etcd.stm((tx) => accounts.forEach((account) => tx.put(account, "100")));
    let runs = 0;
    let commits = 0;
    const worker = async (seed: number): Promise<void> => {
      for (let round = 0; round < 15; round += 1) {
        const from = accounts[(seed + round) % 4] as string;
        const to = accounts[(seed + round * 3 + 1) % 4] as string;
        const { attempts } = await etcd.stm(
          async (tx) => {
            const amount = 1 + (round % 7);
            tx.put(from, String((await numberAt(tx, from)) - amount));
            tx.put(to, String((await numberAt(tx, to)) + amount));
          },
          { isolation, timeoutMs: 25_000 },
        );
        runs += attempts;
        commits += 1;
      }
    };
    await Promise.all(Array.from({ length: 8 }, async (_, seed) => worker(seed)));
    const { kvs } = await etcd.range({ prefix: `${name}/` });
    expect(kvs.map((kv) => Number(kv.text())).reduce((sum, each) => sum + each)).toBe(400);
    expect(commits).toBe(120);
    // Without conflicts nothing would have been shown.
    expect(runs).toBeGreaterThan(commits);
  });

  it.each([
    ["serializableSnapshot", 1],
    ["serializable", 1],
    ["repeatableReads", 1],
    ["readCommitted", 0],
  ] as const)("%s: of two doctors on call, %i stays when both go", async (isolation, staying) => {
    const name = newName();
    const [alice, bob] = [`${name}/alice`, `${name}/bob`];
    await etcd.stm((tx) => [alice, bob].forEach((key) => tx.put(key, "1")));
    const leave = async (who: string, tx: StmTransaction, meanwhile?: () => Promise<void>): Promise<void> => {
      const onCall = (await numberAt(tx, alice)) + (await numberAt(tx, bob));
      await meanwhile?.();
      if (onCall === 2) tx.put(who, "0");
    };
    await interleave(
      isolation,
      async () => etcd.stm(async (tx) => leave(bob, tx), { isolation }),
      async (tx, meanwhile) => leave(alice, tx, meanwhile),
    );
    expect((await numberAt(etcd, alice)) + (await numberAt(etcd, bob))).toBe(staying);
  });

  it.each([
    ["serializableSnapshot", 2],
    ["serializable", 1],
    ["repeatableReads", 1],
    ["readCommitted", 1],
  ] as const)("%s: a key written but not read, and changed meanwhile: %i runs", async (isolation, runs) => {
    const name = newName();
    await etcd.put(`${name}/read`, "r");
    const { attempts } = await interleave(
      isolation,
      async () => etcd.put(`${name}/written`, "theirs"),
      async (tx, meanwhile) => {
        await tx.get(`${name}/read`);
        await meanwhile();
        tx.put(`${name}/written`, "mine");
      },
    );
    expect(attempts).toBe(runs);
    expect((await etcd.get(`${name}/written`))?.text()).toBe("mine");
  });

  it.each([
    ["serializableSnapshot", [["1", "1"]]],
    ["serializable", [["1", "1"]]],
    ["repeatableReads", [["1", "2"], ["2", "2"]]], // prettier-ignore
    ["readCommitted", [["1", "2"]]],
  ] as const)("%s: a reader with a writer in between sees %j", async (isolation, views) => {
    const name = newName();
    const write = async (value: string): Promise<unknown> =>
      etcd.stm((tx) => ["a", "b"].forEach((key) => tx.put(`${name}/${key}`, value)));
    await write("1");
    const seen: unknown[] = [];
    await interleave(
      isolation,
      async () => write("2"),
      async (tx, meanwhile) => {
        const a = (await tx.get(`${name}/a`))?.text();
        await meanwhile();
        seen.push([a, (await tx.get(`${name}/b`))?.text()]);
      },
    );
    expect(seen).toEqual(views);
  });

  it("a key that was not there is part of what was read", async () => {
    const key = newName();
    const { attempts } = await interleave(
      "serializable",
      async () => etcd.put(key, "theirs"),
      async (tx, meanwhile) => {
        const found = await tx.get(key);
        await meanwhile();
        if (found === undefined) tx.put(key, "mine");
      },
    );
    expect(attempts).toBe(2);
    expect((await etcd.get(key))?.text()).toBe("theirs");
  });
});

describe("members that lag behind", () => {
  /** A client whose members know nothing newer than `revision`, unless they have to ask the others. */
  function lagging(revision: () => bigint): StmClient {
    return {
      timeoutMs: 5_000,
      txn: () => etcd.txn(),
      range: async (keys, options) => {
        if (options.serializable !== true) return etcd.range(keys, options);
        if ((options.revision ?? 0n) > revision()) throw new EtcdError("FUTURE_REVISION", "not there yet");
        return etcd.range(keys, { revision: revision(), ...options });
      },
    };
  }

  it("are not asked for a snapshot they do not have", async () => {
    const name = newName();
    await etcd.put(`${name}/a`, "1");
    await etcd.put(`${name}/b`, "2");
    const { result, attempts } = await stm(
      lagging(() => 1n),
      async (tx) => [(await tx.get(`${name}/a`))?.text(), (await tx.get(`${name}/b`))?.text()],
    );
    expect({ result, attempts }).toEqual({ result: ["1", "2"], attempts: 1 });
  });

  it("do not hold up repeatable reads: only the first run trusts them", async () => {
    const key = newName();
    const { revision } = await etcd.put(key, "old");
    await etcd.put(key, "new");
    const seen: unknown[] = [];
    const { attempts } = await stm(
      lagging(() => revision),
      async (tx) => {
        seen.push((await tx.get(key))?.text());
        if (seen.length === 2) await etcd.put(key, "newer");
        tx.put(key, "mine");
      },
      { isolation: "repeatableReads", maxAttempts: 5 },
    );
    expect({ seen, attempts }).toEqual({ seen: ["old", "new", "newer"], attempts: 3 });
  });
});

describe("a conflict", () => {
  it("brings the new values along, so the next run reads nothing", async () => {
    const key = newName();
    await etcd.put(key, "1");
    const range = vi.spyOn(etcd, "range");
    const { attempts } = await interleave(
      "serializableSnapshot",
      async () => etcd.put(key, "10"),
      async (tx, meanwhile) => {
        const value = await numberAt(tx, key);
        await meanwhile();
        tx.put(key, String(value + 1));
      },
    );
    expect(attempts).toBe(2);
    expect(range).toHaveBeenCalledTimes(1);
    expect((await etcd.get(key))?.text()).toBe("11");
  });

  it("ends after maxAttempts", async () => {
    const key = newName();
    let runs = 0;
    const hopeless = etcd.stm(
      async (tx) => {
        runs += 1;
        await tx.get(key);
        await etcd.put(key, "theirs");
        tx.put(key, "mine");
      },
      { maxAttempts: 3 },
    );
    await expect(hopeless).rejects.toMatchObject({ code: "CONFLICT", outcome: "notApplied" });
    expect(runs).toBe(3);
    expect((await etcd.get(key))?.text()).toBe("theirs");
  });

  it("is what a compaction under the snapshot is, too", async () => {
    const name = newName();
    await etcd.put(`${name}/a`, "1");
    const { result, attempts } = await interleave(
      "serializable",
      async () => {
        await etcd.put(`${name}/b`, "2");
        const { revision } = await etcd.put(`${name}/c`, "3");
        await server.etcdctl(["compact", String(revision)]);
      },
      async (tx, meanwhile) => {
        await tx.get(`${name}/a`);
        await meanwhile();
        return (await tx.get(`${name}/b`))?.text();
      },
    );
    expect({ result, attempts }).toEqual({ result: "2", attempts: 2 });
  });
});

describe("an early end", () => {
  it("by timeoutMs stops a function that hangs, and takes nothing of it any more", async () => {
    const key = newName();
    const outside = deferred<StmTransaction>();
    const hanging = etcd.stm(
      async (tx) => {
        tx.put(key, "x");
        outside.resolve(tx);
        await new Promise(() => {});
      },
      { timeoutMs: 100 },
    );
    await expect(hanging).rejects.toMatchObject({ code: "TIMEOUT", outcome: "notApplied" });
    const tx = await outside.promise;
    expect(tx.signal.aborted).toBe(true);
    expect(() => tx.put(key, "late")).toThrow(/CLOSED/);
    await expect(tx.get(key)).rejects.toMatchObject({ code: "CLOSED" });
    expect(await etcd.get(key)).toBeUndefined();
  });

  it("by the caller's signal keeps the reason", async () => {
    const key = newName();
    const controller = new AbortController();
    const stopped = etcd.stm(
      async (tx) => {
        await tx.get(key);
        controller.abort(new Error("enough"));
        tx.put(key, "x");
      },
      { signal: controller.signal },
    );
    await expect(stopped).rejects.toMatchObject({
      code: "ABORTED",
      outcome: "notApplied",
      cause: { message: "enough" },
    });
    expect(await etcd.get(key)).toBeUndefined();
  });

  it("ends a transaction that never wins", async () => {
    const key = newName();
    const hopeless = etcd.stm(
      async (tx) => {
        await tx.get(key);
        await etcd.put(key, "theirs");
        tx.put(key, "mine");
      },
      { timeoutMs: 300 },
    );
    await expect(hopeless).rejects.toMatchObject({ code: "TIMEOUT", outcome: "notApplied" });
    expect((await etcd.get(key))?.text()).toBe("theirs");
  });
});

describe("what is refused", () => {
  it("by the server: more keys than a transaction may have", async () => {
    const name = newName();
    const tooMany = etcd.stm((tx) => {
      for (let index = 0; index < 129; index += 1) tx.put(`${name}/${index}`, "");
    });
    await expect(tooMany).rejects.toMatchObject({ code: "TOO_MANY_OPERATIONS", outcome: "notApplied" });
    expect((await etcd.range({ prefix: name })).count).toBe(0n);
  });

  it("by name: wrong and unknown options", async () => {
    const fn = vi.fn<() => void>();
    await expect(etcd.stm("fn" as never)).rejects.toThrow('stm takes a function, received "fn"');
    await expect(etcd.stm(fn, { isolation: "snapshot" as never })).rejects.toThrow(
      /isolation must be one of serializableSnapshot, .*received "snapshot"/,
    );
    await expect(etcd.stm(fn, { isolation: "toString" as never })).rejects.toThrow(TypeError);
    await expect(etcd.stm(fn, { maxAttempts: 0 })).rejects.toThrow(/maxAttempts .* at least 1, received 0/);
    await expect(etcd.stm(fn, { timeoutMs: -1 })).rejects.toThrow(/timeoutMs/);
    await expect(etcd.stm(fn, { retries: 3 } as never)).rejects.toThrow(/unknown option "retries"/);
    expect(fn).not.toHaveBeenCalled();
  });

  it("by name: wrong keys, values and leases, at the call", async () => {
    const wrong: ((tx: StmTransaction) => unknown)[] = [
      async (tx) => tx.get(""),
      (tx) => tx.put("", "x"),
      (tx) => tx.put("a", 1 as never),
      (tx) => tx.put("a", "x", { lease: 0n }),
      (tx) => tx.put("a", "x", { prevKv: true } as never),
      (tx) => tx.delete(""),
    ];
    for (const each of wrong) await expect(etcd.stm(each)).rejects.toThrow(TypeError);
  });
});
