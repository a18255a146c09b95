import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ERROR_CODES } from "@quorumkit/core";
import { describe, expect, it } from "vitest";
import { testsOf, type WrittenTest } from "./support/tests-of.ts";

const root = new URL("../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), "utf8");

/** The test of this title; undefined where it only stands in a comment, or is skipped. */
function testIn(file: string, title: string): WrittenTest | undefined {
  return testsOf(read(file)).find((each) => each.title === title);
}

describe("docs/guarantees.md", () => {
  const claims = [...read("docs/guarantees.md").matchAll(/^- `([^`]+)`: "(.+)"$/gm)];

  it("has tests for every guarantee", () => {
    for (const section of read("docs/guarantees.md").split(/^## /m).slice(1)) {
      expect(section, section.split("\n")[0]).toMatch(/^- `packages\//m);
    }
  });

  it.each(claims.map(([, file = "", title = ""]) => ({ file, title })))(
    "$file: $title",
    ({ file, title }) => {
      expect(testIn(file, title)).toBeDefined();
    },
  );
});

describe("docs/errors.md", () => {
  const page = read("docs/errors.md");
  const codes = Object.keys(ERROR_CODES);
  const shown = [...page.matchAll(/^- `([A-Z_]+)`: `([^`]+)`: "(.+)"$/gm)];

  it("has every code once, in the order of the table in the code", () => {
    expect([...page.matchAll(/^\| `([A-Z_]+)` /gm)].map(([, code]) => code)).toEqual(codes);
    expect(shown.map(([, code]) => code)).toEqual(codes);
  });

  it.each(shown.map(([, code = "", file = "", title = ""]) => ({ code, file, title })))(
    "$code is shown by $file: $title",
    ({ code, file, title }) => {
      expect(testIn(file, title)?.text).toContain(`"${code}"`);
    },
  );
});

describe("links between the pages", () => {
  const pages = ["README.md", "CONTRIBUTING.md"].concat(
    readdirSync(new URL("docs/", root))
      .filter((name) => name.endsWith(".md"))
      .map((name) => `docs/${name}`),
    readdirSync(new URL("packages/", root)).map((name) => `packages/${name}/README.md`),
  );

  it.each(pages)("%s leads nowhere that is not there", (page) => {
    const targets = [...read(page).matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)].map(
      ([, target = ""]) => target,
    );
    const missing = targets.filter(
      (target) => !existsSync(fileURLToPath(new URL(target, new URL(page, root)))),
    );
    expect(missing).toEqual([]);
  });
});
