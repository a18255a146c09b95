import { describe, expect, test, vi } from "vitest";
import { openCenter, recorded, sharedEtcd, store } from "./support.ts";

const shared = sharedEtcd();

describe("a bad value", () => {
  test.each([
    ["that the schema refuses", { host: "b", poolSize: 500 }, { path: ["poolSize"] }],
    ["of the wrong shape", [1], { path: [] }],
    [
      "that is not JSON",
      "{oops: secret",
      { layer: "global", message: "the stored value is not JSON (at position 1)" },
    ],
  ])(
    "%s never replaces the good one; it is reported, and mended by the next good one",
    async (_, bad, issue) => {
      const prefix = shared.prefix();
      await store(shared.etcd, prefix, { "global/database": { host: "a" } });
      const center = await openCenter(shared.etcd, prefix);
      const [changes, rejected] = [recorded(center, "change"), recorded(center, "rejected")];
      const good = center.snapshot();

      const revision = await store(shared.etcd, prefix, { "global/database": bad });
      await vi.waitFor(() => expect(rejected).toHaveLength(1));
      const keys = ["global", "env/prod", "service/orders"].map((layer) => `${prefix}/${layer}/database`);
      expect(rejected[0]).toMatchObject({ document: "database", revision, keys, issues: [issue] });
      expect(center.rejections).toEqual(rejected);
      expect(center.snapshot()).toBe(good);
      expect(center.state).toBe("live");
      expect(changes).toEqual([]);

      const mended = await store(shared.etcd, prefix, { "global/database": { host: "c" } });
      await vi.waitFor(() => expect(changes).toHaveLength(1));
      expect(changes[0]).toMatchObject({ previous: { host: "a" }, current: { host: "c" }, revision: mended });
      expect(center.rejections).toEqual([]);
      expect(rejected).toHaveLength(1);
    },
  );

  test("holds back the whole transaction it came with, and what is written after it, until it is mended", async () => {
    const prefix = shared.prefix();
    await store(shared.etcd, prefix, { "global/database": { host: "a" } });
    const center = await openCenter(shared.etcd, prefix);
    const [changes, rejected] = [recorded(center, "change"), recorded(center, "rejected")];
    await store(shared.etcd, prefix, { "global/database": { host: 1 }, "global/limits": { rps: 20 } });
    await vi.waitFor(() => expect(rejected).toHaveLength(1));
    await store(shared.etcd, prefix, { "global/limits": { rps: 30 } });
    await vi.waitFor(() => expect(rejected).toHaveLength(2));
    expect(rejected.map(({ document }) => document)).toEqual(["database", "database"]);
    expect(center.snapshot().documents).toMatchObject({ database: { host: "a" }, limits: { rps: 10 } });

    const revision = await store(shared.etcd, prefix, { "global/database": { host: "b" } });
    await vi.waitFor(() => expect(changes).toHaveLength(2));
    expect(changes.map((change) => [change.document, change.revision])).toEqual([
      ["database", revision],
      ["limits", revision],
    ]);
    expect(center.get("limits").rps).toBe(30);
  });

  test("may also be a deletion", async () => {
    const prefix = shared.prefix();
    await store(shared.etcd, prefix, { "global/database": { host: "a" } });
    const center = await openCenter(shared.etcd, prefix);
    const rejected = recorded(center, "rejected");
    await shared.etcd.delete(`${prefix}/global/database`);
    await vi.waitFor(() => expect(rejected).toHaveLength(1));
    expect(center.get("database").host).toBe("a");
  });

  test("is told to every later one with the newest issues, and not again when others' keys change", async () => {
    const prefix = shared.prefix();
    await store(shared.etcd, prefix, { "global/database": { host: "a" } });
    const center = await openCenter(shared.etcd, prefix);
    const rejected = recorded(center, "rejected");
    await store(shared.etcd, prefix, { "global/database": { host: 1 } });
    await store(shared.etcd, prefix, { "service/billing/database": { host: 1 } });
    const revision = await store(shared.etcd, prefix, { "global/database": "worse" });
    await vi.waitFor(() => expect(rejected.at(-1)?.revision).toBe(revision));
    expect(rejected.length).toBeLessThanOrEqual(2);
    expect(rejected.at(-1)?.issues[0]?.key).toBe(`${prefix}/global/database`);
  });
});
