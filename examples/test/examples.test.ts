import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { EtcdClient } from "@quorumkit/core";
import { startEtcd } from "@quorumkit/testing";
import { describe, expect, it } from "vitest";

const root = new URL("../", import.meta.url);
/** Each with a line that only the right result prints. */
const STORIES: Readonly<Record<string, RegExp>> = {
  "distributed-lock": /^at most 1 at a time\nfirst try: held, second try: taken$/m,
  "live-config": /^kept the last good database: .+\nstill a pool of 30$/m,
  "register-and-resolve":
    /answered: order 42 is on its way\n[^]*^revision \d+: \+0 ~0 -1\ndone, 0 instances left$/m,
  "singleton-worker": /^done after 3 terms, at most 1 leader at a time$/m,
  transactions: /^10 of 12 transfers: \{ 'accounts\/ann': '0', 'accounts\/bob': '100' \}$/m,
  "watch-with-resume": /^4 changes: put orders\/1, put orders\/1, put orders\/2, delete orders\/1$/m,
};

/** Runs a built example (npm test builds first) and collects what it prints. */
function run(name: string, endpoint?: string): { child: ChildProcess; output: () => string } {
  const program = fileURLToPath(new URL(`dist/${name}.js`, root));
  const { ETCD_ENDPOINTS: _, ...env } = process.env;
  const child = spawn(process.execPath, ["--enable-source-maps", program], {
    env: { ...env, ...(endpoint !== undefined && { ETCD_ENDPOINTS: endpoint }) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk: Buffer) => (text += chunk.toString()));
  return { child, output: () => text };
}

describe("examples", () => {
  async function expectToShow(name: string, line: RegExp, endpoint?: string): Promise<void> {
    const { child, output } = run(name, endpoint);
    const [code] = (await once(child, "close")) as [number | null];
    expect(code, output()).toBe(0);
    expect(output()).toMatch(line);
  }

  it.each(Object.entries(STORIES))("%s shows what it promises, and ends by itself", async (name, line) => {
    await expectToShow(name, line);
  });

  it.each(Object.entries(STORIES))("%s does so on a real etcd", async (name, line) => {
    await using server = await startEtcd();
    await expectToShow(name, line, server.endpoint);
  });

  it("are all run, and none is longer than 60 lines", () => {
    const files = readdirSync(new URL("src/", root)).filter((name) => name.endsWith(".ts"));
    expect(files.sort()).toEqual(
      [...Object.keys(STORIES), "etcd", "readme"].map((name) => `${name}.ts`).sort(),
    );
    for (const name of files) {
      const lines = readFileSync(new URL(`src/${name}`, root), "utf8")
        .trimEnd()
        .split("\n");
      expect(lines.length, name).toBeLessThanOrEqual(60);
    }
  });
});

describe("the README", () => {
  it("shows the program that is compiled and run here", () => {
    const readme = readFileSync(new URL("../README.md", root), "utf8");
    const [, shown] = /```ts\n(.*?)```/s.exec(readme) ?? [];
    expect(shown).toBe(readFileSync(new URL("src/readme.ts", root), "utf8"));
  });

  it("keeps its word: registers, resolves, follows the config, leads, and leaves on SIGTERM", async () => {
    await using server = await startEtcd();
    await using etcd = new EtcdClient({ endpoints: server.endpoints });
    const { child, output } = run("readme", server.endpoint);
    await expect.poll(output, { timeout: 10_000 }).toContain("leading, fencing token");
    expect(output()).toContain("call 10.0.0.7:8080");
    await etcd.put("config/global/database", JSON.stringify({ host: "db1", poolSize: 20 }));
    await expect.poll(output, { timeout: 10_000 }).toContain("pool 20 at revision");
    child.kill("SIGTERM");
    const [code] = (await once(child, "exit")) as [number | null];
    expect(code, output()).toBe(0);
    expect((await etcd.range({ prefix: "services/" })).count).toBe(0n);
    expect(await etcd.leases.list()).toEqual([]);
  });
});
