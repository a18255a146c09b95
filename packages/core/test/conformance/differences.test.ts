import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { firstMismatch, type Pair, show } from "./compare.ts";
import { AUTH_DIFFERENCES } from "./auth/differences.ts";
import { openAuthPair } from "./auth/pair.ts";
import type { AuthStep } from "./auth/steps.ts";
import { type Difference, isAbout } from "./differences.ts";
import { RECIPE_DIFFERENCES } from "./recipes/differences.ts";
import { openRecipePair } from "./recipes/pair.ts";
import type { RecipeStep } from "./recipes/steps.ts";
import { WIRE_DIFFERENCES } from "./wire/differences.ts";
import { openWirePair } from "./wire/pair.ts";
import type { WireStep } from "./wire/steps.ts";

const page = readFileSync(new URL("../../../../docs/embedded-differences.md", import.meta.url), "utf8");

it("docs/embedded-differences.md lists exactly the differences that the suite knows", () => {
  const listed = [...page.matchAll(/^### (.+)\n\nServers: (.+)\.$/gm)].map(([, title, servers]) => ({
    title,
    servers,
  }));
  const known: readonly { title: string; servers: string }[] = [
    ...WIRE_DIFFERENCES,
    ...AUTH_DIFFERENCES,
    ...RECIPE_DIFFERENCES,
  ];
  expect(listed).toEqual(known.map(({ title, servers }) => ({ title, servers })));
  expect(page.match(/^### /gm)).toHaveLength(listed.length);
});

describe("a listed difference is there, on the releases it is listed for and on no other", () => {
  let wire: Pair<WireStep>;
  let auth: Pair<AuthStep>;
  let recipes: Pair<RecipeStep>;
  beforeAll(async () => {
    wire = await openWirePair();
    auth = await openAuthPair();
    recipes = await openRecipePair();
  });
  afterAll(async () => {
    await wire[Symbol.asyncDispose]();
    await auth[Symbol.asyncDispose]();
    await recipes[Symbol.asyncDispose]();
  });

  it.each(WIRE_DIFFERENCES)("$title", (difference) => assertShown(difference, wire));
  it.each(AUTH_DIFFERENCES)("$title", (difference) => assertShown(difference, auth));
  it.each(RECIPE_DIFFERENCES)("$title", (difference) => assertShown(difference, recipes));

  async function assertShown<Step>({ probe, servers }: Difference<Step>, pair: Pair<Step>): Promise<void> {
    const mismatch = await firstMismatch(pair, probe);
    expect(mismatch !== undefined, show(mismatch)).toBe(isAbout(servers, pair.version));
  }
});

it("releases are understood", () => {
  expect(isAbout("all", "3.5.30")).toBe(true);
  expect(isAbout("before 3.5", "3.4.23")).toBe(true);
  expect(isAbout("before 3.5", "3.5.0")).toBe(false);
  expect(isAbout("from 3.7", "3.10.1")).toBe(true);
  expect(isAbout("from 3.6 before 3.6.10 and before 3.5.29", "3.6.9")).toBe(true);
  expect(isAbout("from 3.6 before 3.6.10 and before 3.5.29", "3.6.10")).toBe(false);
  expect(isAbout("from 3.6 before 3.6.10 and before 3.5.29", "3.5.29")).toBe(false);
  expect(isAbout("from 3.6 before 3.6.10 and before 3.5.29", "3.4.23")).toBe(true);
  expect(() => isAbout("3.5 only", "3.5.30")).toThrow(TypeError);
});
