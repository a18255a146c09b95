import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EtcdError } from "@quorumkit/core";
import { resolveAuth } from "../src/transport/auth-options.ts";
import { Authenticator } from "../src/transport/authenticator.ts";
import type { Token } from "../src/transport/token.ts";

const source = resolveAuth({ username: "alice", password: "secret" }, 1_000);

/** An authenticator whose logins the test answers. */
function authenticator(login: () => Promise<string | undefined>): Authenticator {
  if (source === undefined) throw new Error("unreachable");
  return new Authenticator(source, login);
}

function refused(): EtcdError {
  return new EtcdError("UNAUTHENTICATED", "authentication failed");
}

describe("Authenticator", () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ["performance", "setTimeout", "clearTimeout"] }));
  afterEach(() => vi.useRealTimers());

  it("sends the token as metadata, with the wish for a leader or without", async () => {
    const token = await authenticator(async () => "t-1").logIn();
    expect(token.metadata(false).getMap()).toEqual({ token: "t-1" });
    expect(token.metadata(true).getMap()).toEqual({ token: "t-1", hasleader: "true" });
    const none = await authenticator(async () => undefined).logIn();
    expect(none.metadata(true).getMap()).toEqual({ hasleader: "true" });
  });

  it("logs in once for all who found the token refused, whenever they found it", async () => {
    let logins = 0;
    const auth = authenticator(async () => `t-${(logins += 1)}`);
    const first = await auth.logIn();
    first.accepted();
    expect(first.refused()).toBe(true);
    expect(auth.token).toBeUndefined();
    const [second, third] = await Promise.all([auth.logIn(), auth.logIn()]);
    expect(second).toBe(third);
    // Late, of the old token: the new one stays.
    expect(first.refused()).toBe(true);
    expect(auth.token).toBe(second);
    expect(first.current).toBe(false);
    expect(logins).toBe(2);
  });

  it("keeps a refusal for a while, longer each time, and forgets it when a token is accepted", async () => {
    let logins = 0;
    let answer = async (): Promise<string> => Promise.reject(refused());
    const auth = authenticator(async () => {
      logins += 1;
      return answer();
    });
    await expect(auth.logIn()).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    const waits: number[] = [];
    for (let round = 0; round < 9; round += 1) {
      const since = performance.now();
      const before = logins;
      for (;;) {
        await expect(auth.logIn()).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
        if (logins > before) break;
        vi.advanceTimersByTime(1);
      }
      waits.push(performance.now() - since);
    }
    expect(waits[0]).toBeGreaterThanOrEqual(50);
    expect(waits[0]).toBeLessThanOrEqual(101);
    expect(Math.max(...waits)).toBeLessThanOrEqual(10_001);
    expect(Math.max(...waits)).toBeGreaterThanOrEqual(5_000);

    vi.advanceTimersByTime(10_000);
    answer = async () => "t-1";
    (await auth.logIn()).accepted();
    answer = async () => Promise.reject(refused());
    expect(auth.token?.refused()).toBe(true);
    await expect(auth.logIn()).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    vi.advanceTimersByTime(401);
    const before = logins;
    await auth.logIn().catch(() => {});
    expect(logins).toBe(before + 1);
  });

  it("does not go round and round when the server refuses what it has just given", async () => {
    let logins = 0;
    const auth = authenticator(async () => `t-${(logins += 1)}`);
    const goOn: boolean[] = [];
    for (let round = 0; round < 5; round += 1) {
      const token: Token | undefined = await auth.logIn().catch(() => undefined);
      if (token !== undefined) goOn.push(token.refused());
    }
    // Two at once, since users may just be changing; the third has to wait.
    expect(goOn).toEqual([true, true, false]);
    await expect(auth.logIn()).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    vi.advanceTimersByTime(101);
    const token = await auth.logIn();
    token.accepted();
    expect(token.refused()).toBe(true);
  });

  it("does not wait longer than it is told to", async () => {
    const auth = authenticator(async () => new Promise(() => {}));
    const waiting = auth.wait(500);
    await vi.advanceTimersByTimeAsync(501);
    expect(await waiting).toBeUndefined();
    const stop = new AbortController();
    const stopped = auth.wait(10_000, undefined, stop.signal);
    stop.abort();
    expect(await stopped).toBeUndefined();
  });

  it("takes a new password for its own once the server has it, or may have it", async () => {
    for (const end of ["applied", "unknown", "notApplied"] as const) {
      const own = resolveAuth({ username: "alice", password: "old" }, 1_000);
      if (own?.passwordChanging === undefined) throw new Error("unreachable");
      const valid = end === "notApplied" ? "old" : "new";
      const tried: string[] = [];
      const auth = new Authenticator(own, async ({ password }) => {
        tried.push(password);
        if (password !== valid) throw refused();
        return "t";
      });
      own.passwordChanging({ name: "bob", password: "of another" })("applied");
      own.passwordChanging({ name: "alice", password: "new" })(end);
      await auth.logIn();
      expect(tried).toEqual({ applied: ["new"], unknown: ["old", "new"], notApplied: ["old"] }[end]);
    }
  });
});
