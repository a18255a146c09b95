import { describe, expect, it } from "vitest";
import type { KeepAlive } from "../src/lease/keep-alive.ts";
import type { RenewalListener } from "../src/lease/renewal.ts";
import { Session, type SessionContext } from "../src/lease/session.ts";
import type { Clock } from "../src/util/clock.ts";

/** Rules of order and time that no real server can be made to show on demand. */

class ManualClock implements Clock {
  ms = 1_000_000;
  now(): number {
    return this.ms;
  }
}

describe("a session", () => {
  it("that was lost is not brought back by a renewal answered later", () => {
    const clock = new ManualClock();
    let listener: RenewalListener | undefined;
    const keepAlive = {
      add: (_lease: unknown, _at: number, added: RenewalListener) => void (listener = added),
      remove: () => {},
      lastErrorOf: () => undefined,
    } as unknown as KeepAlive;
    const ended: Session[] = [];
    const context: SessionContext = {
      clock,
      connection: {} as SessionContext["connection"],
      keepAlive,
      revoke: async () => {},
      onEnded: (session) => void ended.push(session),
    };
    const session = new Session(context, { id: 1n, ttlSeconds: 10 }, clock.now());
    const sentAt = (clock.ms += 5_000);
    clock.ms += 5_000;
    expect(session.alive).toBe(false);
    listener?.onRenewed(sentAt, 10);
    expect(session.alive).toBe(false);
    expect(session.remainingMs).toBe(0);
    expect(session.signal.reason).toMatchObject({ code: "LEASE_EXPIRED" });
    expect(ended).toEqual([session]);
  });
});
