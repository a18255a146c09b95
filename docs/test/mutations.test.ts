import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));

function mutations(...args: string[]): string {
  const { stdout, stderr } = spawnSync(process.execPath, ["scripts/mutations.mjs", ...args], {
    cwd: root,
    encoding: "utf8",
  });
  return stderr + stdout;
}

it("every fault of the mutation run still fits the code", () => {
  expect(mutations("--check")).toMatch(/^mutations: the list fits the code, \d+ faults\n$/);
});

it("docs/mutations.md has the table of all faults, as the list has it", () => {
  expect(readFileSync(`${root}docs/mutations.md`, "utf8")).toContain(mutations("--list").trim());
});
