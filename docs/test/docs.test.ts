import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ERROR_CODES } from "@quorumkit/core";
import { describe, expect, it } from "vitest";

const root = new URL("../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), "utf8");

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
      expect(read(file)).toContain(title);
    },
  );
});

describe("docs/errors.md", () => {
  const rows = [...read("docs/errors.md").matchAll(/^\| `([A-Z_]+)`\s+\|.*\| (\S+)\s+\|$/gm)];

  it("has every code once, in the order of the table in the code", () => {
    expect(rows.map(([, code]) => code)).toEqual(Object.keys(ERROR_CODES));
  });

  it.each(rows.map(([, code = "", file = ""]) => ({ code, file })))(
    "$code is shown by $file",
    ({ code, file }) => {
      expect(read(file)).toContain(`"${code}"`);
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
