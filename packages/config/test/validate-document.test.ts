import type { StandardSchemaV1 } from "@standard-schema/spec";
import { describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { validateDocument } from "../src/validate-document.ts";

const stored = (...values: (string | undefined)[]) =>
  values.map((value, index) => ({
    layer: `l${index}`,
    key: `config/l${index}/doc`,
    value: value === undefined ? undefined : Buffer.from(value),
  }));

const schemaOf = (validate: StandardSchemaV1["~standard"]["validate"]): StandardSchemaV1 => ({
  "~standard": { version: 1, vendor: "test", validate },
});

describe("a document from its layers", () => {
  test("is merged, validated and frozen", async () => {
    const schema = z.object({ host: z.string(), poolSize: z.number().default(5) });
    const verdict = await validateDocument(schema, stored('{"host":"a"}', undefined, '{"host":"b"}'));
    expect(verdict).toEqual({ valid: true, value: { host: "b", poolSize: 5 } });
    expect(Object.isFrozen((verdict as { value: object }).value)).toBe(true);
  });

  test("that the schema refuses is told with message and path", async () => {
    const schema = z.object({ pool: z.object({ size: z.number().max(100) }) });
    const verdict = await validateDocument(schema, stored('{"pool":{"size":500}}'));
    expect(verdict).toMatchObject({
      valid: false,
      issues: [{ message: expect.any(String), path: ["pool", "size"] }],
    });
  });

  test("that cannot be parsed is told with layer and key, and the schema is not asked", async () => {
    const validate = vi.fn<StandardSchemaV1["~standard"]["validate"]>();
    const verdict = await validateDocument(schemaOf(validate), stored('{"a":1}', "{oops", "[1,"));
    expect(verdict).toMatchObject({
      valid: false,
      issues: [
        { layer: "l1", key: "config/l1/doc" },
        { layer: "l2", key: "config/l2/doc" },
      ],
    });
    expect(validate).not.toHaveBeenCalled();
  });

  test("that no layer has may be optional, have a default, or consist of defaults", async () => {
    expect(await validateDocument(z.object({ a: z.string() }).optional(), stored(undefined))).toEqual({
      valid: true,
      value: undefined,
    });
    expect(await validateDocument(z.string().default("x"), stored(undefined))).toEqual({
      valid: true,
      value: "x",
    });
    const parts = z.object({ pool: z.object({ size: z.number().default(5) }).prefault({}) });
    expect(await validateDocument(parts, stored(undefined))).toEqual({
      valid: true,
      value: { pool: { size: 5 } },
    });
    const refused = await validateDocument(z.object({ host: z.string() }), stored(undefined));
    expect(refused).toMatchObject({ valid: false, issues: [{ path: ["host"] }] });
  });

  test("that is null in a layer is null, not absent", async () => {
    expect(await validateDocument(z.null(), stored("null"))).toEqual({ valid: true, value: null });
  });

  test("is invalid when the schema throws, rejects, or answers nonsense; the error is the cause", async () => {
    const boom = new RangeError("secret value");
    const throwing = schemaOf(() => {
      throw boom;
    });
    const rejecting = schemaOf(() => Promise.reject(boom));
    for (const schema of [throwing, rejecting]) {
      const verdict = await validateDocument(schema, stored("1"));
      expect(verdict).toEqual({
        valid: false,
        issues: [{ message: "the schema failed: it threw RangeError", path: [] }],
        cause: boom,
      });
    }
    expect(
      await validateDocument(
        schemaOf(() => undefined as never),
        stored("1"),
      ),
    ).toMatchObject({ valid: false });
    // zod answers a refinement that throws with a promise that rejects.
    const zod = z.string().refine(() => {
      throw boom;
    });
    expect(await validateDocument(zod, stored('"a"'))).toMatchObject({ valid: false, cause: boom });
  });

  test("waits for a schema that answers later, and reads path segments of both kinds", async () => {
    const schema = schemaOf(async (value) => {
      await Promise.resolve();
      return value === 1 ? { value: "one" } : { issues: [{ message: "no", path: [{ key: "a" }, "b", 0] }] };
    });
    expect(await validateDocument(schema, stored("1"))).toEqual({ valid: true, value: "one" });
    expect(await validateDocument(schema, stored("2"))).toEqual({
      valid: false,
      issues: [{ message: "no", path: ["a", "b", 0] }],
    });
  });

  test("takes falsy issues for success, as the specification says", async () => {
    expect(
      await validateDocument(
        schemaOf(() => ({ value: 1, issues: undefined })),
        stored("1"),
      ),
    ).toEqual({ valid: true, value: 1 });
  });

  test("does not freeze what belongs to the schema", async () => {
    const shared = { hosts: ["a"] };
    await validateDocument(
      schemaOf(() => ({ value: shared })),
      stored("1"),
    );
    expect(Object.isFrozen(shared.hosts)).toBe(false);
  });

  test("that is nested absurdly deep is invalid, not a crash", async () => {
    const deep = "[".repeat(100_000) + "]".repeat(100_000);
    expect(await validateDocument(z.unknown(), stored(deep))).toMatchObject({ valid: false });
    const objects = '{"a":'.repeat(20_000) + "1" + "}".repeat(20_000);
    expect(await validateDocument(z.unknown(), stored(objects, objects))).toMatchObject({ valid: false });
  });
});
