import { EtcdError } from "@quorumkit/core";
import { bounded, Scope } from "@quorumkit/core/internal";
import { describe, expect, it, vi } from "vitest";

const never = new Promise<never>(() => {});

describe("a bounded wait", () => {
  it("settles as what it waits for, and leaves neither timer nor listener", async () => {
    const { signal } = new AbortController();
    const [add, remove] = [vi.spyOn(signal, "addEventListener"), vi.spyOn(signal, "removeEventListener")];
    const clear = vi.spyOn(globalThis, "clearTimeout");
    expect(await bounded(Promise.resolve(7), { what: "it", signal, timeoutMs: 60_000 })).toBe(7);
    await expect(bounded(Promise.reject(new Error("no")), { what: "it", signal })).rejects.toThrow("no");
    expect(add.mock.calls.length).toBe(2);
    expect(remove.mock.calls.length).toBe(2);
    expect(clear).toHaveBeenCalled();
  });

  it("ends by time with the code and the text of the last failure, else with TIMEOUT", async () => {
    const cause = new EtcdError("UNAVAILABLE", "connect ECONNREFUSED");
    await expect(
      bounded(never, { what: "it", timeoutMs: 5, lastError: () => cause, outcome: "notApplied" }),
    ).rejects.toMatchObject({
      code: "UNAVAILABLE",
      message: "UNAVAILABLE: it: not done within 5 ms (UNAVAILABLE: connect ECONNREFUSED)",
      outcome: "notApplied",
      cause,
    });
    await expect(
      bounded(never, { what: "it", timeoutMs: 5, lastError: () => undefined }),
    ).rejects.toMatchObject({ message: "TIMEOUT: it: not done within 5 ms" });
  });

  it("ends by the caller's signal, also where that has aborted before", async () => {
    const reason = new Error("enough");
    await expect(bounded(never, { what: "it", signal: AbortSignal.abort(reason) })).rejects.toMatchObject({
      code: "ABORTED",
      message: "ABORTED: it: aborted",
      cause: reason,
    });
  });
});

describe("a scope", () => {
  it("keeps a reason of our own as it is; whatever the caller's signal has becomes the cause of ABORTED", () => {
    const lost = new EtcdError("LEASE_EXPIRED", "gone");
    const other = new Error("enough");
    const reasons = [
      new Scope([undefined, AbortSignal.abort(lost)], { what: "it" }),
      new Scope([AbortSignal.abort(other)], { what: "it" }),
      new Scope([], { what: "it", signal: AbortSignal.abort(lost) }),
    ].map((each) => each.reasonFor(new Error("what broke the wait")) as EtcdError);
    expect(reasons.map(({ code, cause }) => [code, cause])).toEqual([
      ["LEASE_EXPIRED", undefined],
      ["ABORTED", other],
      ["ABORTED", lost],
    ]);
    const open = new Scope([new AbortController().signal], { what: "it" });
    expect(open.reasonFor(other)).toBe(other);
    open.close();
  });

  it("gives each call what is left", () => {
    const now = vi.spyOn(performance, "now").mockReturnValue(1_000);
    const scope = new Scope([], { what: "it", timeoutMs: 500 });
    now.mockReturnValue(1_400.2);
    expect(scope.callOptions()).toEqual({ signal: undefined, timeoutMs: 100 });
    now.mockReturnValue(9_000);
    expect(scope.callOptions().timeoutMs).toBe(1);
    scope.close();
    const endless = new Scope([], { what: "it" });
    expect(endless.callOptions().timeoutMs).toBeUndefined();
    endless.close();
  });
});
