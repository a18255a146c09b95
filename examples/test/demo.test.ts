import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const program = fileURLToPath(new URL("../dist/demo/main.js", import.meta.url));

/** Runs the built demo (npm test builds first). */
async function runDemo(...args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, ["--enable-source-maps", program, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, output };
}

describe("the demo", { timeout: 90_000 }, () => {
  it.each([
    ["an embedded etcd, by default", [], /^ +\S+ s {2}etcd +embedded in this process/m],
    ["a real etcd", ["--etcd", "real"], /^ +\S+ s {2}etcd +3\.\d+\.\d+, a process of its own/m],
  ])("shows all it claims on %s", async (_, args, which) => {
    const { code, output } = await runDemo(...args);
    expect(code, output).toBe(0);
    expect(output).toMatch(which);
    expect(output).toMatch(/^All 12 things were shown, in /m);
  });

  it.each([
    [["--etcd", "other"], 'Expected --etcd to be embedded or real, got "other"\n'],
    [["--etcds", "real"], /Unknown option '--etcds'/],
    [["real"], /Unexpected argument 'real'/],
  ])("refuses %j", async (args, message) => {
    const { code, output } = await runDemo(...args);
    expect(code).toBe(2);
    expect(output).toMatch(message);
  });
});
