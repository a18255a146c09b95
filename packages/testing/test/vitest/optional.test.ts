import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("../../src/", import.meta.url));

/** What the package asks of other packages as soon as this entry is imported. */
async function loads(entry: string): Promise<readonly string[]> {
  const { metafile } = await build({
    entryPoints: [`${root}${entry}`],
    bundle: true,
    write: false,
    metafile: true,
    platform: "node",
    format: "esm",
    outdir: "unused",
    packages: "external",
    treeShaking: false,
  });
  const [output] = Object.values(metafile.outputs);
  return (output?.imports ?? [])
    .filter(({ kind }) => kind === "import-statement")
    .map(({ path }) => path)
    .filter((path) => !path.startsWith("node:"));
}

it("vitest is loaded by its own entry only, and so need not be there for the others", async () => {
  expect(await loads("vitest/index.ts")).toContain("vitest");
  for (const entry of ["index.ts", "history/index.ts", "cli/main.ts", "vitest/global-setup.ts"]) {
    const loaded = await loads(entry);
    expect(loaded, entry).not.toContain("vitest");
    expect(loaded, entry).not.toContain("testcontainers");
  }
});
