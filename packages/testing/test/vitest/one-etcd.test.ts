import { describe, expect, it } from "vitest";
import { OneEtcd } from "../../src/vitest/one-etcd.ts";

/** Counts, and lets a test say when its users are done. */
function counted(): {
  one: OneEtcd<FakeEtcd>;
  log: string[];
  use: () => Promise<{ etcd: FakeEtcd; end: End }>;
} {
  const log: string[] = [];
  let started = 0;
  const one = new OneEtcd(async () => {
    started += 1;
    const name = `etcd ${started}`;
    log.push(`${name} starts`);
    return {
      name,
      endpoints: [],
      close: async () => {
        log.push(`${name} closes`);
      },
    };
  });
  const use = async (): Promise<{ etcd: FakeEtcd; end: End }> =>
    new Promise((resolve) => {
      const done = one.use(
        async (etcd) =>
          new Promise((finish) => {
            const end = async (): Promise<void> => {
              finish();
              await done;
            };
            resolve({ etcd, end });
          }),
      );
    });
  return { one, log, use };
}

type End = () => Promise<void>;

interface FakeEtcd {
  readonly name: string;
  readonly endpoints: readonly string[];
  close(): Promise<void>;
}

describe("one etcd for all who use it at the same time", () => {
  it("is started by the first, closed after the last, and another one later", async () => {
    const { log, use } = counted();
    const first = await use();
    const second = await use();
    expect(second.etcd).toBe(first.etcd);
    await first.end();
    expect(log).toEqual(["etcd 1 starts"]);
    await second.end();
    expect(log).toEqual(["etcd 1 starts", "etcd 1 closes"]);
    const third = await use();
    await third.end();
    expect(log.slice(2)).toEqual(["etcd 2 starts", "etcd 2 closes"]);
  });

  it("is closed when its user fails", async () => {
    const { one, log } = counted();
    await expect(one.use(() => Promise.reject(new Error("on purpose")))).rejects.toThrow("on purpose");
    expect(log).toEqual(["etcd 1 starts", "etcd 1 closes"]);
  });

  it("that does not start tells why, and is tried again", async () => {
    let tries = 0;
    const one = new OneEtcd<FakeEtcd>(async () => Promise.reject(new Error(`try ${(tries += 1)}`)));
    await expect(one.use(() => Promise.resolve())).rejects.toThrow("try 1");
    await expect(one.use(() => Promise.resolve())).rejects.toThrow("try 2");
  });
});
