// Shows that the lint rules the design leans on do fire: promises (also across packages and in tests), layering,
// import cycles, `any`. A small workspace with known faults is written to a temporary directory and linted with
// this repository's own configuration; what is reported must be exactly what is marked, line by line.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const root = dirname(import.meta.dirname);

// A line that must be reported ends in "// <rule>"; every other line must pass.
const layer = "// no-restricted-imports";
const fixtures = {
  "packages/core/src/index.ts": `
    export { work } from "./work.ts";
    export type * as n0 from "node:fs";
    export type * as n0deep from "node:fs/promises";
    export type * as n1 from "@quorumkit/proto";
    export type * as n2 from "@grpc/grpc-js";
    export type * as n3 from "@quorumkit/election"; ${layer}
    export type * as n4 from "@quorumkit/core"; ${layer}
    export type * as n5 from "lodash"; ${layer}
    export * from "../../proto/src/index.ts"; ${layer}
    export const lazy = (): Promise<unknown> => import("nanoid"); ${layer}
    export type Around = import("lodash").Around; // consistent-type-imports
    export const loose = (value: any): void => void value; // no-explicit-any
  `,
  "packages/core/src/internal.ts": `
    export const inside = 1;
  `,
  "packages/core/src/work.ts": `
    import { other } from "./other.ts"; // no-cycle
    export async function work(): Promise<number> {
      work(); // no-floating-promises
      await other;
      console.log("core is silent"); // no-console
      throw "text"; // only-throw-error
    }
    export type State = "open" | "closed";
    export function name(state: State): string {
      switch (state) { // switch-exhaustiveness-check
        case "open":
          return "open";
      }
      return "?";
    }
  `,
  "packages/core/src/other.ts": `
    import { work } from "./work.ts"; // no-cycle
    export const other: Promise<number> = work();
    other.then(work); // no-floating-promises
    [1, 2].forEach(async () => work()); // no-misused-promises
    export default other; // no-default-export
  `,
  "packages/core/src/long.ts": `${"//\n".repeat(500)}export const long = 1; // max-lines
`,
  "packages/election/src/index.ts": `
    import { work } from "@quorumkit/core";
    import { inside } from "@quorumkit/core/internal";
    export type * as n6 from "nanoid";
    export type * as n7 from "@quorumkit/core/src/index.ts"; ${layer}
    export type * as n8 from "@quorumkit/discovery"; ${layer}
    export type * as n9 from "@quorumkit/proto"; ${layer}
    export type * as n10 from "@grpc/grpc-js"; ${layer}
    export type * as n11 from "../../core/src/index.ts"; ${layer}
    export function campaign(): number {
      work(); // no-floating-promises
      return inside;
    }
  `,
  "packages/election/test/election.test.ts": `
    import { work } from "@quorumkit/core";
    import { inside } from "@quorumkit/core/internal";
    import { assert, it } from "vitest";
    import { campaign } from "../src/index.ts";
    export type * as n12 from "@quorumkit/core/src/index.ts"; ${layer}
    export type * as n13 from "../../core/src/index.ts"; ${layer}
    it("works", async () => { // expect-expect
      campaign();
      work(); // no-floating-promises
      await inside; // await-thenable
    });
    function expectNumber(value: number): void {
      assert.isNumber(value);
    }
    it("asserts through a helper", () => {
      expectNumber(campaign());
    });
    it.skip("is not there", () => {}); // no-disabled-tests
  `,
  "examples/src/story.ts": `
    import { work } from "@quorumkit/core";
    export type * as n14 from "@quorumkit/core/internal"; ${layer}
    export type * as n15 from "../../packages/core/src/index.ts"; ${layer}
    console.log(await work());
    work(); // no-floating-promises
  `,
};

const workspace = realpathSync(mkdtempSync(join(tmpdir(), "quorumkit-lint-")));
try {
  build(workspace);
  const { expected, found } = { expected: marked(), found: lint(workspace) };
  const missing = [...expected].filter((fault) => !found.has(fault));
  const surplus = [...found].filter((fault) => !expected.has(fault));
  for (const fault of missing) console.error(`lint-selftest: not reported: ${fault}`);
  for (const fault of surplus) console.error(`lint-selftest: reported without reason: ${fault}`);
  if (missing.length + surplus.length > 0) process.exitCode = 1;
  else console.log(`lint-selftest: ${expected.size} planted faults found, nothing else reported`);
} finally {
  rmSync(workspace, { recursive: true, force: true });
}

function build(directory) {
  for (const file of [".oxlintrc.json", "tsconfig.base.json", "tsconfig.tests.json"])
    cpSync(join(root, file), join(directory, file));
  for (const [file, text] of Object.entries(fixtures)) write(join(directory, file), text);
  for (const project of ["packages/core", "packages/election", "examples"])
    writeJson(join(directory, project, "tsconfig.json"), {
      extends: "../".repeat(project.split("/").length) + "tsconfig.base.json",
      include: ["src"],
    });
  writeJson(join(directory, "packages/election/test/tsconfig.json"), {
    extends: "../../../tsconfig.tests.json",
    include: ["."],
  });
  const core = join(directory, "packages/core");
  cpSync(join(root, "packages/core/package.json"), join(core, "package.json"));
  for (const name of ["@types", "vitest", "oxlint-tsgolint", ".bin"])
    link(join(root, "node_modules", name), join(directory, "node_modules", name));
  link(core, join(directory, "packages/election/node_modules/@quorumkit/core"));
  link(core, join(directory, "examples/node_modules/@quorumkit/core"));
}

function write(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

function writeJson(path, value) {
  write(path, JSON.stringify(value));
}

function link(target, path) {
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(target, path, "junction");
}

function marked() {
  const faults = new Set();
  for (const [file, text] of Object.entries(fixtures))
    for (const [index, line] of text.split("\n").entries()) {
      const rule = /\/\/ ([a-z-]+)$/.exec(line)?.[1];
      if (rule !== undefined) faults.add(`${file}:${index + 1} ${rule}`);
    }
  return faults;
}

function lint(directory) {
  const oxlint = join(root, "node_modules/oxlint/bin/oxlint");
  const run = spawnSync(process.execPath, [oxlint, "--format", "json"], { cwd: directory, encoding: "utf8" });
  if (run.error) throw run.error;
  if (!run.stdout.startsWith("{")) throw new Error(`oxlint gave no report:\n${run.stdout}${run.stderr}`);
  const faults = new Set();
  for (const { filename, code, labels } of JSON.parse(run.stdout).diagnostics)
    faults.add(`${filename}:${labels[0]?.span.line} ${/\(([^)]+)\)/.exec(code ?? "")?.[1] ?? code}`);
  return faults;
}
