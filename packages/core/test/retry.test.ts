import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { DIAGNOSTICS, EtcdClient, type RetryOptions } from "@quorumkit/core";
import { EmbeddedEtcd } from "@quorumkit/testing";
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { resolveRetry } from "../src/transport/retry-options.ts";

/** A refusal that passes by itself: nothing was proposed. */
const NO_LEADER = { details: "etcdserver: no leader", times: Infinity };
/** May have been done. */
const LEADER_CHANGED = { details: "etcdserver: leader changed", times: Infinity };

let etcd: EmbeddedEtcd;
let closing: EtcdClient[] = [];
beforeAll(async () => {
  etcd = await EmbeddedEtcd.start({ members: 2, quiet: true });
});
afterEach(async () => {
  etcd.heal();
  await Promise.all(closing.map((each) => each.close()));
  closing = [];
});
afterAll(async () => {
  await etcd.close();
});

function client(retry?: RetryOptions, timeoutMs = 20_000): EtcdClient {
  const made = new EtcdClient({ endpoints: etcd.endpoints, retry, timeoutMs });
  closing.push(made);
  return made;
}

async function passed(ms: number): Promise<void> {
  const startedAt = performance.now();
  await expect.poll(() => performance.now() - startedAt, { timeout: ms + 10_000 }).toBeGreaterThan(ms);
}

describe("retry.maxAttempts", () => {
  it.each([1, 2, 5])(
    "%i: so often is a call tried, and then fails as its last try did",
    async (maxAttempts) => {
      const reads = etcd.failCall("Range", LEADER_CHANGED);
      await expect(client({ maxAttempts }).get("a")).rejects.toMatchObject({
        code: "UNAVAILABLE",
        message: expect.stringContaining("leader changed") as string,
      });
      expect(reads.failed).toBe(maxAttempts);
      const writes = etcd.failCall("Put", NO_LEADER);
      await expect(client({ maxAttempts }).put("a", "1")).rejects.toMatchObject({
        code: "NO_LEADER",
        outcome: "notApplied",
      });
      expect(writes.failed).toBe(maxAttempts);
    },
  );

  it("left out, a call is tried until its deadline", async () => {
    const reads = etcd.failCall("Range", NO_LEADER);
    await expect(client(undefined, 1_500).get("a")).rejects.toMatchObject({ code: "NO_LEADER" });
    expect(reads.failed).toBeGreaterThan(2);
  });

  it("makes no write go out twice that may have been applied", async () => {
    const direct = client();
    for (const maxAttempts of [1, 5]) {
      await direct.put("once", "before");
      const { version = 0n } = (await direct.get("once")) ?? {};
      const lost = etcd.failCall("Put", { ...LEADER_CHANGED, after: true });
      const put = client({ maxAttempts, delayMs: 1 }).put("once", "after");
      await expect(put).rejects.toMatchObject({ code: "UNAVAILABLE", outcome: "unknown" });
      expect(lost.failed).toBe(1);
      lost.remove();
      expect((await direct.get("once"))?.version).toBe(version + 1n);
    }
  });

  it("gives the only try, or the last one, all the time there is", async () => {
    const once = client({ maxAttempts: 1 });
    const held = etcd.hold("Range");
    const answer = once.get("a", { timeoutMs: 10_000 });
    await held.reached();
    // What a first try gets where another one can follow.
    await passed(1_200);
    held.release();
    await expect(answer).resolves.toBeUndefined();
  });

  it("does not count a try whose token had expired, but a login that finds nobody", async () => {
    await using locked = await EmbeddedEtcd.start({ quiet: true });
    const admin = new EtcdClient({ endpoints: locked.endpoint });
    await admin.auth.userAdd("root", { password: "secret" });
    await admin.auth.roleAdd("root");
    await admin.auth.userGrantRole("root", "root");
    await admin.auth.enable();
    await admin.close();
    const auth = { username: "root", password: "secret" };
    const retry = { maxAttempts: 1 };
    await using user = new EtcdClient({ endpoints: locked.endpoint, auth, retry, timeoutMs: 20_000 });
    await user.put("a", "1");
    locked.expireTokens();
    await user.put("a", "2");
    locked.expireTokens();
    const logins = locked.failCall("Authenticate", LEADER_CHANGED);
    await expect(user.put("a", "3")).rejects.toMatchObject({ code: "UNAVAILABLE", outcome: "notApplied" });
    expect(logins.failed).toBe(1);
  });
});

describe("retry.delayMs", () => {
  it("is waited for before a repetition, half of it at least", async () => {
    const took = async (retry?: RetryOptions): Promise<number> => {
      etcd.failCall("Range", { ...NO_LEADER, times: 2 });
      const startedAt = performance.now();
      await client(retry).get("a");
      return performance.now() - startedAt;
    };
    // Twice, the second time twice as long.
    expect(await took({ delayMs: 600 })).toBeGreaterThan(300 + 600);
    expect(await took()).toBeLessThan(900);
  });

  it("that would outlast the deadline ends the call at once", async () => {
    const reads = etcd.failCall("Range", NO_LEADER);
    const startedAt = performance.now();
    await expect(client({ delayMs: 60_000 }).get("a")).rejects.toMatchObject({ code: "NO_LEADER" });
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect(reads.failed).toBe(1);
  });

  it("ends with the call's signal", async () => {
    etcd.failCall("Range", NO_LEADER);
    const caller = new AbortController();
    const failed = (): unknown => setImmediate(() => caller.abort());
    subscribe(DIAGNOSTICS.retry, failed);
    onTestFinished(() => void unsubscribe(DIAGNOSTICS.retry, failed));
    const startedAt = performance.now();
    const read = client({ delayMs: 19_000 }).range("a", { signal: caller.signal });
    await expect(read).rejects.toMatchObject({ code: "ABORTED" });
    expect(performance.now() - startedAt).toBeLessThan(9_000);
  });

  it("grows up to maxDelayMs, ten times as long unless set", () => {
    expect(resolveRetry({ delayMs: 200 })).toEqual({
      maxAttempts: Infinity,
      initialMs: 200,
      maxMs: 2_000,
    });
    expect(resolveRetry({ delayMs: 200, maxDelayMs: 300 }).maxMs).toBe(300);
    expect(resolveRetry()).toEqual({ maxAttempts: Infinity, initialMs: 0, maxMs: 0 });
  });
});

describe("the retry option", () => {
  it.each([
    [{ maxAttempts: 0 }, "retry.maxAttempts must be a whole number at least 1, received 0"],
    [{ maxAttempts: 1.5 }, "retry.maxAttempts must be a whole number at least 1, received 1.5"],
    [{ delayMs: -1 }, /^retry\.delayMs must be a number between 0 and \d+, received -1$/],
    [{ maxDelayMs: "1s" }, /^retry\.maxDelayMs must be a number between 0 and \d+, received "1s"$/],
    [{ delayMs: 100, maxDelayMs: 50 }, "retry.maxDelayMs must be at least retry.delayMs (100), received 50"],
    [{ attempts: 3 }, 'retry: unknown option "attempts"; known are maxAttempts, delayMs, maxDelayMs'],
    [false, "retry: options must be an object, received false"],
  ] as const)("refuses %o", (retry, message) => {
    expect(() => new EtcdClient({ endpoints: "a:1", retry: retry as RetryOptions })).toThrow(message);
    expect(() => new EtcdClient({ endpoints: "a:1", retry: retry as RetryOptions })).toThrow(TypeError);
  });
});
