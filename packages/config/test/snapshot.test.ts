import { describe, expect, test, vi } from "vitest";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { z } from "zod";
import { type Outcome, SnapshotBuilder, type StoredState } from "../src/snapshot.ts";

const settings = {
  prefix: "config",
  layers: ["global", "env/prod"],
  schemas: new Map<string, StandardSchemaV1>([
    ["database", z.object({ host: z.string(), poolSize: z.number().max(100).default(5) })],
    ["limits", z.object({ rps: z.number() })],
  ]),
};

const state = (revision: bigint, values: Record<string, unknown>): StoredState => ({
  revision,
  entries: new Map(
    Object.entries(values).map(([key, value]) => [
      `config/${key}`,
      {
        value: Buffer.from(typeof value === "string" ? value : JSON.stringify(value)),
        modRevision: revision,
      },
    ]),
  ),
});

const good = { "global/database": { host: "a" }, "global/limits": { rps: 10 } };

function accepted(outcome: Outcome): Extract<Outcome, { accepted: true }> {
  if (!outcome.accepted)
    throw new Error(JSON.stringify(outcome.rejections, (_, v) => (typeof v === "bigint" ? String(v) : v)));
  return outcome;
}

describe("snapshots", () => {
  test("hold all documents at one revision; the first has no changes", async () => {
    const { snapshot, changes } = accepted(await new SnapshotBuilder(settings).build(state(7n, good)));
    expect(snapshot).toEqual({
      revision: 7n,
      documents: { database: { host: "a", poolSize: 5 }, limits: { rps: 10 } },
    });
    expect(changes).toEqual([]);
    expect(Object.isFrozen(snapshot) && Object.isFrozen(snapshot.documents)).toBe(true);
  });

  test("tell each changed document once, with effective values; the others stay the same object", async () => {
    const builder = new SnapshotBuilder(settings);
    const first = accepted(await builder.build(state(7n, good))).snapshot;
    const second = accepted(
      await builder.build(state(9n, { ...good, "env/prod/database": { poolSize: 50 } })),
    );
    expect(second.changes).toEqual([
      {
        document: "database",
        paths: [["poolSize"]],
        previous: { host: "a", poolSize: 5 },
        current: { host: "a", poolSize: 50 },
        revision: 9n,
      },
    ]);
    expect(second.changes[0]?.previous).toBe(first.documents["database"]);
    expect(second.snapshot.documents["limits"]).toBe(first.documents["limits"]);
  });

  test("a write without effect moves the revision only", async () => {
    const builder = new SnapshotBuilder(settings);
    const first = accepted(
      await builder.build(state(7n, { ...good, "env/prod/database": { host: "b" } })),
    ).snapshot;
    const shadowed = { ...good, "global/database": { host: "c" }, "env/prod/database": ' {"host": "b"} ' };
    const second = accepted(await builder.build(state(8n, shadowed)));
    expect(second.changes).toEqual([]);
    expect(second.snapshot.revision).toBe(8n);
    expect(second.snapshot.documents).toBe(first.documents);
  });

  test("a key that is gone is a change like any other", async () => {
    const builder = new SnapshotBuilder(settings);
    await builder.build(state(7n, { ...good, "env/prod/database": { poolSize: 50 } }));
    const { changes } = accepted(await builder.build(state(8n, good)));
    expect(changes).toMatchObject([{ document: "database", current: { poolSize: 5 } }]);
  });
});

describe("a state with an invalid document", () => {
  test("is held back as a whole, and goes live as a whole when it is valid", async () => {
    const builder = new SnapshotBuilder(settings);
    await builder.build(state(7n, good));
    const bad = { "global/database": { host: "b", poolSize: 500 }, "global/limits": { rps: 20 } };
    const refused = await builder.build(state(8n, bad));
    expect(refused).toMatchObject({
      accepted: false,
      news: true,
      rejections: [
        {
          document: "database",
          revision: 8n,
          issues: [{ path: ["poolSize"] }],
          keys: ["config/global/database", "config/env/prod/database"],
        },
      ],
    });
    expect(
      JSON.stringify(refused, (_, value: unknown) => (typeof value === "bigint" ? "" : value)),
    ).not.toContain("500");
    const mended = accepted(await builder.build(state(9n, { ...bad, "global/database": { host: "b" } })));
    expect(mended.changes.map(({ document, revision }) => [document, revision])).toEqual([
      ["database", 9n],
      ["limits", 9n],
    ]);
    expect(mended.changes[0]?.previous).toEqual({ host: "a", poolSize: 5 });
  });

  test("is no news when only keys of others changed", async () => {
    const builder = new SnapshotBuilder(settings);
    const bad = { ...good, "global/limits": "{oops" };
    expect(await builder.build(state(8n, bad))).toMatchObject({ accepted: false, news: true });
    expect(await builder.build(state(9n, { ...bad, "service/other/limits": 1 }))).toMatchObject({
      accepted: false,
      news: false,
    });
    expect(await builder.build(state(10n, { ...bad, "global/limits": "{worse" }))).toMatchObject({
      accepted: false,
      news: true,
    });
  });

  test("does not have the other documents validated again", async () => {
    const validate = vi.fn<(value: unknown) => { value: unknown }>((value) => ({ value }));
    const counted = { "~standard": { version: 1 as const, vendor: "test", validate } };
    const builder = new SnapshotBuilder({
      ...settings,
      schemas: new Map<string, StandardSchemaV1>([...settings.schemas, ["limits", counted]]),
    });
    await builder.build(state(7n, good));
    await builder.build(state(8n, { ...good, "global/database": {} }));
    accepted(await builder.build(state(9n, { ...good, "global/database": { host: "z" } })));
    expect(validate).toHaveBeenCalledTimes(1);
  });
});
