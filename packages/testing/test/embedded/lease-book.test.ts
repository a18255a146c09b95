import { describe, expect, it, onTestFinished, vi } from "vitest";
import { VirtualClock } from "../../src/embedded/clock.ts";
import { LeaseBook, type LeaseBookOptions } from "../../src/embedded/lease/lease-book.ts";
import { MvccStore, type Commit } from "../../src/embedded/mvcc/store.ts";

const every = { key: Buffer.of(0), rangeEnd: Buffer.of(0) };

function setUp(options: Partial<LeaseBookOptions> = {}): {
  store: MvccStore;
  clock: VirtualClock;
  leases: LeaseBook;
  commits: Commit[];
  put: (key: string, lease: bigint) => void;
  keys: () => string[];
} {
  const store = new MvccStore();
  const clock = new VirtualClock();
  onTestFinished(() => clock.close());
  const leases = new LeaseBook({ store, clock, ...options });
  const commits: Commit[] = [];
  store.onCommit((commit) => commits.push(commit));
  const put = (key: string, lease: bigint): void => {
    store.write((tx) => tx.put(Buffer.from(key), Buffer.from("v"), lease));
    if (lease !== 0n) leases.attach(lease, Buffer.from(key));
  };
  const keys = (): string[] => store.range(every).map(({ key }) => key.toString());
  return { store, clock, leases, commits, put, keys };
}

describe("grant", () => {
  it("gives the minimum TTL to a wish below it", () => {
    const { leases } = setUp();
    for (const wish of [-5n, 0n, 1n, 2n]) expect(leases.grant(0n, wish).ttl).toBe(2n);
    expect(leases.grant(0n, 3n).ttl).toBe(3n);
    expect(setUp({ minTtlSeconds: 1 }).leases.grant(0n, 1n).ttl).toBe(1n);
  });

  it("takes the id that is given, and chooses a positive one for 0", () => {
    const { leases } = setUp();
    expect(leases.grant(7n, 10n)).toEqual({ id: 7n, ttl: 10n });
    expect(leases.grant(-7n, 10n).id).toBe(-7n);
    const chosen = Array.from({ length: 50 }, () => leases.grant(0n, 10n).id);
    expect(new Set(chosen).size).toBe(50);
    for (const id of chosen) expect(id > 0n && id < 1n << 63n).toBe(true);
  });

  it("refuses an id in use and a TTL that is too large, with etcd's errors", () => {
    const { leases } = setUp();
    leases.grant(7n, 10n);
    expect(() => leases.grant(7n, 10n)).toThrow("etcdserver: lease already exists");
    expect(() => leases.grant(8n, 9_000_000_001n)).toThrow("etcdserver: too large lease TTL");
    expect(leases.grant(8n, 9_000_000_000n).ttl).toBe(9_000_000_000n);
  });

  it("refuses a wrong minimum TTL by name", () => {
    expect(() => setUp({ minTtlSeconds: 0 })).toThrow(
      "minTtlSeconds must be a whole number of at least 1, got 0",
    );
  });
});

describe("the end of a lease", () => {
  it("deletes all its keys in one revision when its time is over", async () => {
    const { store, clock, leases, commits, put, keys } = setUp();
    leases.grant(7n, 10n);
    put("b", 7n);
    put("a", 7n);
    put("kept", 0n);
    commits.length = 0;
    await clock.advance(9900);
    expect(keys()).toEqual(["a", "b", "kept"]);
    await clock.advance(100);
    expect(keys()).toEqual(["kept"]);
    expect(
      commits.map(({ revision, events }) => [revision, events.map((e) => [e.type, e.kv.key.toString()])]),
    ).toEqual([
      [
        5n,
        [
          ["delete", "a"],
          ["delete", "b"],
        ],
      ],
    ]);
    expect(leases.exists(7n)).toBe(false);
    expect(store.revision).toBe(5n);
  });

  it("comes with real time as well", async () => {
    const { leases, keys, put } = setUp({ minTtlSeconds: 1 });
    leases.grant(7n, 1n);
    put("a", 7n);
    await expect.poll(keys, { interval: 10, timeout: 3000 }).toEqual([]);
  });

  it("is not put off by a renewal that comes too late, though the event loop hung and no timer fired", () => {
    const { leases, keys, put } = setUp();
    leases.grant(7n, 10n);
    put("a", 7n);
    const hung = performance.now() + 10_001;
    vi.spyOn(performance, "now").mockReturnValue(hung);
    expect(leases.keepAlive(7n)).toBe(0n);
    expect(keys()).toEqual([]);
  });

  it("makes no revision without keys, and is over before anyone hears of the deletes", () => {
    const { store, leases, put } = setUp();
    leases.grant(7n, 10n);
    leases.revoke(7n);
    expect(store.revision).toBe(1n);
    leases.grant(8n, 10n);
    put("a", 8n);
    const seen: boolean[] = [];
    store.onCommit(() => seen.push(leases.exists(8n)));
    leases.revoke(8n);
    expect(seen).toEqual([false]);
  });

  it("is put off by a renewal, for the whole TTL", async () => {
    const { clock, leases } = setUp();
    leases.grant(7n, 10n);
    for (let i = 0; i < 5; i++) {
      await clock.advance(8000);
      expect(leases.keepAlive(7n)).toBe(10n);
    }
    await clock.advance(9900);
    expect(leases.list()).toEqual([7n]);
    await clock.advance(100);
    expect(leases.list()).toEqual([]);
    expect(leases.keepAlive(7n)).toBe(0n);
  });

  it("can be asked for", () => {
    const { leases, keys, put } = setUp();
    leases.grant(7n, 10n);
    put("a", 7n);
    leases.expire(7n);
    expect(keys()).toEqual([]);
    for (const end of [leases.revoke.bind(leases), leases.expire.bind(leases)])
      expect(() => end(7n)).toThrow("etcdserver: requested lease not found");
  });

  it("leaves alone what was attached to another lease, or to none, since", () => {
    const { leases, keys, put } = setUp();
    leases.grant(7n, 10n);
    leases.grant(8n, 10n);
    put("a", 7n);
    put("b", 7n);
    leases.detach(7n, Buffer.from("a"));
    put("a", 8n);
    leases.detach(7n, Buffer.from("b"));
    put("b", 0n);
    leases.revoke(7n);
    expect(keys()).toEqual(["a", "b"]);
    leases.revoke(8n);
    expect(keys()).toEqual(["b"]);
  });
});

describe("what is told of leases", () => {
  it("tells whole seconds left, what was granted, and the keys in order when asked", async () => {
    const { clock, leases, put } = setUp();
    leases.grant(7n, 10n);
    for (const key of ["b", "a", "\u00e4"]) put(key, 7n);
    expect(leases.timeToLive(7n, false)).toEqual({ ttl: 9n, grantedTtl: 10n, keys: [] });
    await clock.advance(4000);
    const { ttl, keys } = leases.timeToLive(7n, true);
    expect(ttl).toBe(5n);
    expect(keys.map(String)).toEqual(["a", "b", "\u00e4"]);
    expect(leases.timeToLive(9n, true)).toEqual({ ttl: -1n, grantedTtl: 0n, keys: [] });
  });

  it("lists what expires first first", () => {
    const { leases } = setUp();
    leases.grant(1n, 30n);
    leases.grant(2n, 10n);
    leases.grant(3n, 20n);
    expect(leases.list()).toEqual([2n, 3n, 1n]);
  });

  it("attaches to no lease that is not there", () => {
    const { leases } = setUp();
    expect(() => leases.attach(7n, Buffer.from("a"))).toThrow("etcdserver: requested lease not found");
  });
});

describe("a store that goes back", () => {
  it("has the leases of that revision with their keys and their whole TTL", async () => {
    const { store, clock, leases, put, keys } = setUp();
    put("first", 0n);
    leases.grant(7n, 10n);
    put("a", 7n); // revision 3
    await clock.advance(8000);
    const { revision } = store;
    put("later", 0n);
    leases.grant(8n, 10n);
    leases.revoke(7n);
    expect(keys()).toEqual(["first", "later"]);
    store.rollBackTo(revision);
    expect(leases.list()).toEqual([7n]);
    expect(leases.timeToLive(7n, true)).toEqual({ ttl: 9n, grantedTtl: 10n, keys: [Buffer.from("a")] });
    await clock.advance(10_000);
    expect(keys()).toEqual(["first"]);
  });

  it("can go back further, to before what had ended by then", () => {
    const { store, leases, put } = setUp();
    leases.grant(7n, 10n);
    put("a", 7n); // revision 2
    leases.revoke(7n); // revision 3
    put("b", 0n);
    put("c", 0n);
    store.rollBackTo(4n);
    expect(leases.list()).toEqual([]);
    store.rollBackTo(2n);
    expect(leases.list()).toEqual([7n]);
  });

  it("has none when it is a new one", () => {
    const { store, leases } = setUp();
    leases.grant(7n, 10n);
    store.clear();
    expect(leases.list()).toEqual([]);
  });

  it("gives every lease its whole TTL after a restart", async () => {
    const { clock, leases } = setUp();
    leases.grant(7n, 10n);
    await clock.advance(8000);
    leases.renewAll();
    await clock.advance(8000);
    expect(leases.list()).toEqual([7n]);
  });
});
