import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { DIAGNOSTICS, EtcdClient, type KeyValue, op, type RetryMessage } from "@quorumkit/core";
import { EmbeddedEtcd, startProxiedCluster } from "@quorumkit/testing";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EndpointPool } from "../src/transport/endpoint-pool.ts";
import { parseEndpoints } from "../src/transport/endpoint-url.ts";

const SERIALIZABLE = { serializable: true };
/** Endpoints take turns, so so many reads ask each of three. */
const ROUNDS = 12;

let etcd: EmbeddedEtcd;
/** Asks the members in turn, the last one last. */
let client: EtcdClient;
/** The last of the members. */
let follower: EmbeddedEtcd["members"][number];
let others: readonly EmbeddedEtcd["members"][number][];
/** Asks none but {@link others}. */
let writer: EtcdClient;
/** How many answers were not taken because they were too old. */
let refused: number;
beforeEach(async () => {
  etcd = await EmbeddedEtcd.start({ members: 3, quiet: true });
  const found = etcd.members.find((each) => each !== etcd.leader);
  if (found === undefined) throw new Error("there is no follower");
  follower = found;
  others = etcd.members.filter((each) => each !== found);
  client = clientInTurn([...others, follower].map(({ endpoint }) => endpoint));
  writer = new EtcdClient({ endpoints: others.map(({ endpoint }) => endpoint) });
  await writer.put("a", "old");
  refused = 0;
  subscribe(DIAGNOSTICS.retry, count);
});
afterEach(async () => {
  unsubscribe(DIAGNOSTICS.retry, count);
  await Promise.all([client.close(), writer.close()]);
  await etcd.close();
});

function count(message: unknown): void {
  if ((message as RetryMessage).code === "FUTURE_REVISION") refused += 1;
}

/** Where a client begins is left to chance otherwise. */
function clientInTurn(endpoints: readonly string[]): EtcdClient {
  const random = vi.spyOn(Math, "random").mockReturnValue(0);
  const made = new EtcdClient({ endpoints });
  random.mockRestore();
  return made;
}

function text(kv: KeyValue | undefined): string | undefined {
  return kv?.text();
}

/** What `read` gave, each time it was asked. */
async function reads<T>(read: () => Promise<T>): Promise<readonly T[]> {
  const all: T[] = [];
  for (let round = 0; round < ROUNDS; round += 1) all.push(await read());
  return all;
}

/** How many answers were refused since this was last asked. */
function takenRefused(): number {
  const taken = refused;
  refused = 0;
  return taken;
}

const everyTime = <T>(value: T): readonly T[] => Array.from({ length: ROUNDS }, () => value);

describe("while a follower is cut off", () => {
  it("reads go back without an ordered view", async () => {
    follower.cutOff();
    await writer.put("a", "new");
    const seen = await reads(async () => text(await client.get("a", SERIALIZABLE)));
    expect(new Set(seen)).toEqual(new Set(["old", "new"]));
  });

  it("an ordered view's never do, once it read something newer", async () => {
    follower.cutOff();
    await writer.put("a", "new");
    const view = client.ordered();
    expect(text(await view.get("a"))).toBe("new");
    expect(await reads(async () => text(await view.get("a", SERIALIZABLE)))).toEqual(everyTime("new"));
    expect(takenRefused()).toBeGreaterThan(0);
    const range = async (): Promise<readonly (string | undefined)[]> =>
      (await view.range({ prefix: "" }, SERIALIZABLE)).kvs.map(text);
    expect(await reads(range)).toEqual(everyTime(["new"]));
    expect(takenRefused()).toBeGreaterThan(0);
    const both = async (): Promise<readonly (string | undefined)[]> =>
      (await Promise.all([view.get("a", SERIALIZABLE), view.get("b", SERIALIZABLE)])).map(text);
    expect(await reads(both)).toEqual(everyTime(["new", undefined]));
    expect(takenRefused()).toBeGreaterThan(0);
    // These ask for a leader, so the member itself refuses them.
    const scan = async (): Promise<readonly string[]> => {
      const values: string[] = [];
      for await (const kv of view.scan({ prefix: "" })) values.push(kv.text());
      return values;
    };
    expect(await reads(scan)).toEqual(everyTime(["new"]));
    const txn = async (): Promise<string | undefined> => {
      const { results } = await view.txn().then(op.get("a", SERIALIZABLE)).commit();
      return text(results[0]);
    };
    expect(await reads(txn)).toEqual(everyTime("new"));
  });

  it("nor once it wrote something newer, in a namespace of it, too", async () => {
    follower.cutOff();
    const view = client.ordered();
    const inside = view.namespace("in/");
    await view.put("in/a", "new");
    expect(await reads(async () => text(await inside.get("a", SERIALIZABLE)))).toEqual(everyTime("new"));
    expect(takenRefused()).toBeGreaterThan(0);
    const within = async (): Promise<string | undefined> =>
      text(await view.ordered().get("in/a", SERIALIZABLE));
    expect(await reads(within)).toEqual(everyTime("new"));
    expect(takenRefused()).toBeGreaterThan(0);
  });

  it("nor once it watched something newer", async () => {
    const view = client.ordered();
    await using watcher = view.watch("a");
    await watcher.ready();
    follower.cutOff();
    await writer.put("a", "new");
    for await (const { events } of watcher) {
      expect(events.map(({ kv }) => text(kv))).toEqual(["new"]);
      break;
    }
    expect(await reads(async () => text(await view.get("a", SERIALIZABLE)))).toEqual(everyTime("new"));
    expect(takenRefused()).toBeGreaterThan(0);
  });

  it("a new view has seen nothing yet", async () => {
    follower.cutOff();
    await writer.put("a", "new");
    expect(text(await client.ordered().get("a"))).toBe("new");
    for (const each of others) await each.stop();
    expect(text(await client.ordered().get("a", SERIALIZABLE))).toBe("old");
  });

  it("a read waits for a member that is as far, and says so when there is none", async () => {
    follower.cutOff();
    const view = client.ordered();
    const { revision } = await view.put("a", "new");
    for (const each of others) await each.stop();
    const soon = { ...SERIALIZABLE, timeoutMs: 300 };
    await expect(view.get("a", soon)).rejects.toMatchObject({
      code: "FUTURE_REVISION",
      message: expect.stringMatching(
        new RegExp(
          `at revision ${revision} .*newest answer was of ${revision - 1n}, from ${follower.endpoint}`,
        ),
      ) as string,
    });
    const together = await Promise.allSettled([view.get("a", soon), view.get("b", soon)]);
    const failed = { status: "rejected", reason: { code: "FUTURE_REVISION" } };
    expect(together).toMatchObject([failed, failed]);
    const waiting = view.get("a", { ...SERIALIZABLE, timeoutMs: 15_000 });
    for (const each of others) await each.start();
    expect(text(await waiting)).toBe("new");
  });

  it("a read where there is but one member waits until that has caught up, or for the signal", async () => {
    await using alone = new EtcdClient({ endpoints: follower.endpoint });
    const view = alone.ordered();
    expect(text(await view.get("a"))).toBe("old");
    await view.put("a", "gone");
    await etcd.rollBack({ to: etcd.revision - 1n });
    const abort = new AbortController();
    const aborted = view.get("a", { ...SERIALIZABLE, signal: abort.signal });
    const waiting = view.get("a", { ...SERIALIZABLE, timeoutMs: 15_000 });
    await expect.poll(() => refused).toBeGreaterThan(1);
    abort.abort();
    await expect(aborted).rejects.toMatchObject({ code: "ABORTED" });
    await writer.put("a", "new");
    expect(text(await waiting)).toBe("new");
  });
});

it("of many reads at the same time none asks a member again that was too old for it", () => {
  const pool = new EndpointPool(parseEndpoints(etcd.endpoints), "direct");
  const [first, second, third] = pool.endpoints;
  if (first === undefined || second === undefined) throw new Error("there are three endpoints");
  const options = { avoid: first, behind: new Set([first, second]) };
  expect(Array.from({ length: ROUNDS }, () => pool.pick(options))).toEqual(everyTime(third));
  pool.close();
});

it("a write is sent once, also where its answer is older than what was seen", async () => {
  const view = client.ordered();
  for (const each of ["1", "2", "3", "4"]) await view.put("a", each);
  await etcd.rollBack({ to: etcd.revision - 4n });
  const { succeeded } = await view.txn().then(op.put("b", "once")).commit();
  expect(succeeded).toBe(true);
  expect((await client.get("b"))?.version).toBe(1n);
  await expect(view.get("b", { timeoutMs: 200 })).rejects.toMatchObject({ code: "FUTURE_REVISION" });
  expect(text(await client.ordered().get("b"))).toBe("once");
});

it("closing a view ends what was begun with it, and nothing else", async () => {
  const view = client.ordered();
  await view.put("a", "1");
  await etcd.rollBack({ to: etcd.revision - 1n });
  const waiting = view.get("a", SERIALIZABLE).catch((error: unknown) => error);
  await view.close();
  expect(await waiting).toMatchObject({ code: "CLOSED" });
  await expect(view.get("a")).rejects.toMatchObject({ code: "CLOSED" });
  expect(text(await client.get("a"))).toBe("old");
});

it("etcd's own cut follower is asked, and not believed", { timeout: 60_000 }, async () => {
  await using cluster = await startProxiedCluster(3);
  const leader = await cluster.leader();
  const cut = cluster.members.findIndex((each) => each !== leader);
  await using atLeader = new EtcdClient({ endpoints: leader.endpoint });
  await using atFollower = new EtcdClient({ endpoints: cluster.members[cut]?.endpoint ?? "" });
  await using anywhere = new EtcdClient({ endpoints: cluster.endpoints });
  await atLeader.put("a", "old");
  expect(text(await atFollower.get("a"))).toBe("old");
  cluster.cutFromPeers(cut);
  await atLeader.put("a", "new", { timeoutMs: 15_000 });
  const unordered = await reads(async () => text(await anywhere.get("a", SERIALIZABLE)));
  expect(new Set(unordered)).toEqual(new Set(["old", "new"]));
  const view = anywhere.ordered();
  await expect.poll(async () => text(await view.get("a", SERIALIZABLE))).toBe("new");
  expect(await reads(async () => text(await view.get("a", SERIALIZABLE)))).toEqual(everyTime("new"));
  expect(takenRefused()).toBeGreaterThan(0);
});
