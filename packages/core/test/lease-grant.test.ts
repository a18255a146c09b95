import { EtcdClient } from "@quorumkit/core";
import { EmbeddedEtcd } from "@quorumkit/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const TTL = 60;
/** What a session of {@link TTL} has at its very beginning: less 1 % and 100 ms. */
const WHOLE_MS = TTL * 990 - 100;

let server: EmbeddedEtcd;
let etcd: EtcdClient;
let beganAt: number;
beforeEach(async () => {
  server = await EmbeddedEtcd.start({ quiet: true });
  etcd = new EtcdClient({ endpoints: server.endpoints });
  await etcd.get("warm");
  beganAt = performance.now();
  // The lease is granted, but nobody hears of it.
  server.failCall("LeaseGrant", { after: true });
});
afterEach(async () => {
  await etcd.close();
  await server.close();
});

/** Until so much time has passed that it can be told what a session counts from. */
async function aWhile(ms = 200): Promise<void> {
  await expect.poll(() => performance.now() - beganAt, { interval: 10, timeout: 5_000 }).toBeGreaterThan(ms);
}

/** Holds the question that follows when the id is found to be taken, until `meanwhile` is done. */
async function whileAsked(meanwhile: () => void): Promise<void> {
  const asked = server.hold("LeaseTimeToLive", { before: true });
  await asked.reached();
  await aWhile();
  meanwhile();
  asked.release();
}

describe("a grant whose answer was lost", () => {
  it("gives a session that counts from when it was sent first", async () => {
    const opening = etcd.openSession({ ttlSeconds: TTL });
    await whileAsked(() => {});
    const session = await opening;
    expect(session.alive).toBe(true);
    expect(session.remainingMs + performance.now() - beganAt).toBeLessThan(WHOLE_MS + 100);
    expect(await etcd.leases.list()).toEqual([session.leaseId]);
  });

  it("is made again where the lease has ended before it was known of", async () => {
    const granting = etcd.leases.grant({ ttlSeconds: TTL });
    await whileAsked(() => void server.advance(2 * TTL * 1_000));
    const { id, ttlSeconds } = await granting;
    expect(ttlSeconds).toBe(TTL);
    expect(await etcd.leases.timeToLive(id)).toMatchObject({ grantedTtlSeconds: TTL });
    expect(await etcd.leases.list()).toEqual([id]);
  });

  it("gives a session that counts from the grant which stands", async () => {
    const opening = etcd.openSession({ ttlSeconds: TTL });
    await whileAsked(() => void server.advance(2 * TTL * 1_000));
    const session = await opening;
    expect(session.alive).toBe(true);
    expect(session.remainingMs + performance.now() - beganAt).toBeGreaterThan(WHOLE_MS + 100);
    expect(await etcd.leases.list()).toEqual([session.leaseId]);
  });

  it("and of which nothing more can be learned is unknown, within its time, and a session leaves no lease", async () => {
    const failing = server.failCall("LeaseTimeToLive", { times: Infinity });
    const slow = server.hold("LeaseGrant", { before: true });
    const granting = etcd.leases.grant({ ttlSeconds: TTL, timeoutMs: 2_000 });
    await Promise.all([
      expect(granting).rejects.toMatchObject({ code: "UNAVAILABLE", outcome: "unknown" }),
      aWhile(1_300).then(() => slow.release()),
    ]);
    // One deadline for all of it, and not one for each call.
    expect(performance.now() - beganAt).toBeLessThan(3_000);
    const [left, ...others] = await etcd.leases.list();
    expect(others).toEqual([]);
    await etcd.leases.revoke(left ?? 0n);

    server.failCall("LeaseGrant", { after: true });
    // Which of the two depends on when the time is over: before an answer or after.
    await expect(etcd.openSession({ ttlSeconds: TTL, timeoutMs: 300 })).rejects.toMatchObject({
      code: expect.stringMatching(/^(UNAVAILABLE|TIMEOUT)$/u) as string,
      outcome: "unknown",
    });
    await expect.poll(async () => etcd.leases.list()).toEqual([]);
    failing.remove();
  });

  it("is unknown even where the grant after it was refused", async () => {
    const granting = etcd.leases.grant({ ttlSeconds: TTL, timeoutMs: 1_000 });
    const refused = { times: Infinity, details: "etcdserver: too many requests" };
    await Promise.all([
      whileAsked(() => {
        void server.advance(2 * TTL * 1_000);
        server.failCall("LeaseGrant", refused);
      }),
      expect(granting).rejects.toMatchObject({ code: "TOO_MANY_REQUESTS", outcome: "unknown" }),
    ]);
  });
});
