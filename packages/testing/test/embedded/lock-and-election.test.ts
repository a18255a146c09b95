import { status } from "@grpc/grpc-js";
import { rpcs } from "@quorumkit/proto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EmbeddedEtcd } from "../../src/embedded/embedded-etcd.ts";
import { startEtcd } from "../../src/index.ts";
import { Rpc, failureOf } from "./support/rpc.ts";

interface Server extends AsyncDisposable {
  readonly endpoint: string;
}

// The same on both: what the embedded server does is what etcd does.
const servers: readonly (readonly [string, () => Promise<Server>])[] = [
  ["the embedded etcd", () => EmbeddedEtcd.start({ quiet: true })],
  ["a real etcd", () => startEtcd({ quiet: true })],
];

describe.each(servers)("%s", (_name, start) => {
  let server: Server;
  let rpc: Rpc;
  let names = 0;
  const bytes = (text: string): Buffer => Buffer.from(text);
  const freshName = (): string => `name${(names += 1)}`;
  const unknown = (details: string): object => ({ code: status.UNKNOWN, details });

  beforeAll(async () => {
    server = await start();
    rpc = new Rpc(server.endpoint);
  });

  afterAll(async () => {
    rpc.close();
    await server[Symbol.asyncDispose]();
  });

  test("a lock is held by one lease at a time, in the order of the create revisions", async () => {
    const name = freshName();
    const [a, b, c] = [await rpc.grant(60n), await rpc.grant(60n), await rpc.grant(60n)];
    const order: string[] = [];
    const lock = async (lease: bigint, who: string): Promise<Buffer> => {
      const { key } = await rpc.call(rpcs.lock.lock, { name: bytes(name), lease });
      order.push(who);
      return key;
    };
    const held = await lock(a, "a");
    expect(held.toString()).toBe(`${name}/${a.toString(16)}`);
    expect(await lock(a, "a again")).toEqual(held);
    const second = lock(b, "b");
    await expect.poll(() => rpc.get(`${name}/${b.toString(16)}`)).toBe("");
    const third = lock(c, "c");
    await expect.poll(() => rpc.get(`${name}/${c.toString(16)}`)).toBe("");
    await rpc.call(rpcs.lock.unlock, { key: held });
    await rpc.call(rpcs.lock.unlock, { key: await second });
    await third;
    expect(order).toEqual(["a", "a again", "b", "c"]);
  });

  test("a lock without a lease gets one of its own", async () => {
    const { key, header } = await rpc.call(rpcs.lock.lock, { name: bytes(freshName()) });
    const { kvs } = await rpc.call(rpcs.kv.range, { key });
    expect(kvs[0]?.createRevision).toBe(header?.revision);
    const { grantedTTL } = await rpc.call(rpcs.lease.leaseTimeToLive, { ID: kvs[0]?.lease });
    expect(grantedTTL).toBe(60n);
  });

  test("a waiter that goes away leaves no key, and one whose lease ends is told so", async () => {
    const name = freshName();
    const [a, b, c] = [await rpc.grant(60n), await rpc.grant(60n), await rpc.grant(60n)];
    const { key } = await rpc.call(rpcs.lock.lock, { name: bytes(name), lease: a });
    const gone = new AbortController();
    const abandoned = rpc.call(rpcs.lock.lock, { name: bytes(name), lease: b }, { signal: gone.signal });
    const expired = failureOf(rpc.call(rpcs.lock.lock, { name: bytes(name), lease: c }));
    await expect.poll(() => rpc.get(`${name}/${b.toString(16)}`)).toBe("");
    await expect.poll(() => rpc.get(`${name}/${c.toString(16)}`)).toBe("");
    gone.abort();
    await expect(abandoned).rejects.toMatchObject({ code: status.CANCELLED });
    await expect.poll(() => rpc.get(`${name}/${b.toString(16)}`)).toBeUndefined();
    await rpc.call(rpcs.lease.leaseRevoke, { ID: c });
    await rpc.call(rpcs.lock.unlock, { key });
    expect(await expired).toEqual(unknown("mutex: session is expired"));
  });

  test("what goes wrong inside has its text, but no code", async () => {
    expect(await failureOf(rpc.call(rpcs.lock.lock, { name: bytes(freshName()), lease: 12345n }))).toEqual(
      unknown("etcdserver: requested lease not found"),
    );
    expect(await failureOf(rpc.call(rpcs.lock.unlock, {}))).toEqual(
      unknown("etcdserver: key is not provided"),
    );
    expect(await failureOf(rpc.call(rpcs.election.campaign, { name: bytes("x"), lease: 12345n }))).toEqual(
      unknown("etcdserver: requested lease not found"),
    );
    expect(await failureOf(rpc.call(rpcs.election.leader, { name: bytes("nobody") }))).toEqual(
      unknown("election: no leader"),
    );
    const missing = unknown('"leader" field must be provided');
    expect(await failureOf(rpc.call(rpcs.election.proclaim, {}))).toEqual(missing);
    expect(await failureOf(rpc.call(rpcs.election.resign, {}))).toEqual(missing);
  });

  test("an unlock of a key that is not there is no error", async () => {
    const { header } = await rpc.call(rpcs.lock.unlock, { key: bytes("not/there") });
    expect(header?.revision).toBeGreaterThan(0n);
  });

  test("campaign, proclaim, leader and resign", async () => {
    const name = bytes(freshName());
    const [a, b] = [await rpc.grant(60n), await rpc.grant(60n)];
    const { leader: first, header } = await rpc.call(rpcs.election.campaign, {
      name,
      lease: a,
      value: bytes("1"),
    });
    expect(first).toMatchObject({
      name,
      key: bytes(`${name.toString()}/${a.toString(16)}`),
      rev: header?.revision,
      lease: a,
    });
    const again = await rpc.call(rpcs.election.campaign, { name, lease: a, value: bytes("2") });
    expect(again.leader).toEqual(first);
    expect((await rpc.call(rpcs.election.leader, { name })).kv?.value.toString()).toBe("2");
    await rpc.call(rpcs.election.proclaim, { leader: first, value: bytes("3") });
    const { kv } = await rpc.call(rpcs.election.leader, { name });
    expect([kv?.value.toString(), kv?.createRevision, kv?.lease]).toEqual(["3", first?.rev, a]);

    const next = rpc.call(rpcs.election.campaign, { name, lease: b, value: bytes("b") });
    await expect.poll(() => rpc.get(`${name.toString()}/${b.toString(16)}`)).toBe("b");
    await rpc.call(rpcs.election.resign, { leader: first });
    const { leader: second } = await next;
    expect(second?.lease).toBe(b);
    expect(await failureOf(rpc.call(rpcs.election.proclaim, { leader: first, value: bytes("4") }))).toEqual(
      unknown("election: not leader"),
    );
    // Guarded: the key of another leadership is not deleted.
    await rpc.call(rpcs.election.resign, { leader: { ...second, rev: 1n } });
    expect((await rpc.call(rpcs.election.leader, { name })).kv?.value.toString()).toBe("b");
  });

  test("a candidate that goes away is none any more", async () => {
    const name = bytes(freshName());
    const [a, b] = [await rpc.grant(60n), await rpc.grant(60n)];
    await rpc.call(rpcs.election.campaign, { name, lease: a, value: bytes("a") });
    const gone = new AbortController();
    const campaign = rpc.call(rpcs.election.campaign, { name, lease: b }, { signal: gone.signal });
    await expect.poll(() => rpc.get(`${name.toString()}/${b.toString(16)}`)).toBe("");
    gone.abort();
    await expect(campaign).rejects.toMatchObject({ code: status.CANCELLED });
    await expect.poll(() => rpc.get(`${name.toString()}/${b.toString(16)}`)).toBeUndefined();
  });

  test("observe tells of the leader, its proclamations, and the next one", async () => {
    const name = bytes(freshName());
    const [a, b] = [await rpc.grant(60n), await rpc.grant(60n)];
    const early = rpc.listen(rpcs.election.observe, { name });
    // The server sends its header with the first answer, so nothing tells that it listens: it need not, for it looks first.
    const { leader: first } = await rpc.call(rpcs.election.campaign, { name, lease: a, value: bytes("a") });
    const told = async (): Promise<[string | undefined, boolean]> => {
      const { kv, header } = await early.next();
      return [kv?.value.toString(), (header?.revision ?? 0n) >= (kv?.modRevision ?? 1n)];
    };
    expect(await told()).toEqual(["a", true]);
    await rpc.call(rpcs.election.proclaim, { leader: first, value: bytes("a2") });
    expect(await told()).toEqual(["a2", true]);
    const next = rpc.call(rpcs.election.campaign, { name, lease: b, value: bytes("b") });
    await expect.poll(() => rpc.get(`${name.toString()}/${b.toString(16)}`)).toBe("b");
    await rpc.call(rpcs.election.resign, { leader: first });
    expect(await told()).toEqual(["b", true]);
    const late = rpc.listen(rpcs.election.observe, { name });
    expect((await late.next()).kv?.value.toString()).toBe("b");
    const { leader: second } = await next;
    await rpc.call(rpcs.election.resign, { leader: second });
    await rpc.call(rpcs.election.campaign, { name, lease: a, value: bytes("again") });
    expect(await told()).toEqual(["again", true]);
    early.cancel();
    late.cancel();
  });
});
