import { tracingChannel } from "node:diagnostics_channel";
import { type Balancing, type CallMessage, DIAGNOSTICS, EtcdClient } from "@quorumkit/core";
import { EmbeddedEtcd } from "@quorumkit/testing";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

type Member = EmbeddedEtcd["members"][number];

let etcd: EmbeddedEtcd;
let near: Member;
let next: Member;
let far: Member;
beforeAll(async () => {
  etcd = await EmbeddedEtcd.start({ members: 3, quiet: true });
  // Not in the order of their numbers.
  [far, near, next] = etcd.members as [Member, Member, Member];
});
afterEach(() => etcd.heal());
afterAll(async () => {
  await etcd.close();
});

function client(balancing?: Balancing): EtcdClient {
  const endpoints = [near, next, far].map(({ endpoint }) => endpoint);
  return new EtcdClient({ endpoints, balancing, coalesce: { reads: false } });
}

/** Where calls are answered: as many in a row. */
async function answeredBy(asked: EtcdClient, calls: number): Promise<Set<string | undefined>> {
  const seen = new Set<string | undefined>();
  const subscriber = { asyncEnd: (message: object) => seen.add((message as CallMessage).endpoint) };
  const channel = tracingChannel(DIAGNOSTICS.call);
  channel.subscribe(subscriber as unknown as Parameters<typeof channel.subscribe>[0]);
  try {
    for (let index = 0; index < calls; index += 1) await asked.get("a");
  } finally {
    channel.unsubscribe(subscriber as unknown as Parameters<typeof channel.unsubscribe>[0]);
  }
  return seen;
}

describe("balancing: pickFirst", () => {
  it("sends every call to the first endpoint, concurrent ones too", async () => {
    for (let index = 0; index < 3; index += 1) {
      await using picky = client("pickFirst");
      expect(await answeredBy(picky, 10)).toEqual(new Set([near.endpoint]));
      const elsewhere = [next, far].map(({ name }) =>
        etcd.failCall("Range", { member: name, times: Infinity }),
      );
      await Promise.all(Array.from({ length: 20 }, async (_, key) => picky.get(`key ${key}`)));
      expect(elsewhere.map(({ failed }) => failed)).toEqual([0, 0]);
    }
  });

  it("goes down the list while members have no leader, and back up when they have one again", async () => {
    await using picky = client("pickFirst");
    expect(await answeredBy(picky, 2)).toEqual(new Set([near.endpoint]));
    near.cutOff();
    await picky.get("a");
    expect(await answeredBy(picky, 10)).toEqual(new Set([next.endpoint]));
    near.rejoin();
    // Nothing is wrong with the other: it is left for the better one.
    await expect.poll(() => answeredBy(picky, 5), { timeout: 20_000 }).toEqual(new Set([near.endpoint]));
  });

  it("goes back to the first endpoint after its process ended and came back", async () => {
    await using picky = client("pickFirst");
    await picky.get("a");
    await near.stop();
    await picky.get("a");
    expect(await answeredBy(picky, 10)).toEqual(new Set([next.endpoint]));
    await near.start();
    await expect.poll(() => answeredBy(picky, 5), { timeout: 20_000 }).toEqual(new Set([near.endpoint]));
  });

  it("opens streams on the first endpoint", async () => {
    await using picky = client("pickFirst");
    for (let index = 0; index < 3; index += 1) {
      await using watcher = picky.watch("a");
      await watcher.ready();
      expect(etcd.dropStreams("Watch", { member: next.name })).toBe(0);
      expect(etcd.dropStreams("Watch", { member: far.name })).toBe(0);
      expect(etcd.dropStreams("Watch", { member: near.name })).toBe(1);
    }
  });
});

describe("balancing: roundRobin", () => {
  it.each([undefined, "roundRobin"] as const)(
    "as %s uses one endpoint after the other",
    async (balancing) => {
      await using fair = client(balancing);
      expect(await answeredBy(fair, 3)).toEqual(new Set([near, next, far].map(({ endpoint }) => endpoint)));
    },
  );
});

describe("the balancing option", () => {
  it("refuses what it does not know", () => {
    const balancing = "random" as Balancing;
    expect(() => new EtcdClient({ endpoints: "a:1", balancing })).toThrow(
      new TypeError('balancing must be "roundRobin" or "pickFirst", received "random"'),
    );
  });
});
