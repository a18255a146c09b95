import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { shareEtcd, type SharedEtcd } from "@quorumkit/testing/vitest-global-setup";
import { describe, expect, it } from "vitest";
import { listens } from "./listens.ts";

const root = fileURLToPath(new URL("shared/", import.meta.url));
const vitest = fileURLToPath(new URL("vitest.mjs", import.meta.resolve("vitest/package.json")));

/** Runs the files in shared/, each in a process of its own, as a project of their own. */
async function runShared(globalSetup: string | undefined): Promise<{ code: number | null; output: string }> {
  const { TEST_GLOBAL_SETUP: _, ...env } = process.env;
  const child = spawn(process.execPath, [vitest, "run", "--root", root], {
    env: { ...env, NO_COLOR: "1", ...(globalSetup !== undefined && { TEST_GLOBAL_SETUP: globalSetup }) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, output };
}

describe("an etcd shared by all files", () => {
  it.each([
    ["the package itself", "@quorumkit/testing/vitest-global-setup"],
    ["a file of one's own", "./global-setup.ts"],
  ])("is started by a globalSetup that is %s, and ends with the run", async (_, globalSetup) => {
    const { code, output } = await runShared(globalSetup);
    expect(code, output).toBe(0);
    const used = [...output.matchAll(/used (\S+) (\S+)/g)];
    expect(used, output).toHaveLength(2);
    const [endpoints, namespaces] = [1, 2].map((group) => new Set(used.map((each) => each[group])));
    expect(endpoints?.size, "one server").toBe(1);
    expect(namespaces?.size, "a namespace each").toBe(2);
    expect(await listens(used[0]?.[1] ?? "")).toBe(false);
  });

  it("is missed by name where nothing was shared", async () => {
    const { code, output } = await runShared(undefined);
    expect(code).toBe(1);
    expect(output).toContain(
      '"writes where nobody else does" wants a shared etcd, and there is none: set globalSetup to "@quorumkit/testing/vitest-global-setup"',
    );
  });

  it("is provided to the tests as it is started, and closed by what the setup returns", async () => {
    const provided: SharedEtcd[] = [];
    const teardown = await shareEtcd()({ provide: (_, etcd) => provided.push(etcd) });
    const [etcd] = provided;
    expect(etcd?.endpoints).toEqual([etcd?.endpoint]);
    expect(await listens(etcd?.endpoint ?? "")).toBe(true);
    await teardown();
    expect(await listens(etcd?.endpoint ?? "")).toBe(false);
  });

  it("takes no options but its own", () => {
    expect(() => shareEtcd({ port: 1 } as object)).toThrow(
      new TypeError('shareEtcd: unknown option "port"; known are start'),
    );
  });
});
