import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { runProgram } from "./run-program.ts";
import { sharedEtcd } from "./support.ts";

const shared = sharedEtcd();

test("the README's example is the one that is compiled here, and it runs", async () => {
  const example = await readFile(new URL("readme-example.ts", import.meta.url), "utf8");
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  expect(readme).toContain(`\`\`\`ts\n${example}\`\`\``);
  const program = example.replace("http://127.0.0.1:2379", shared.server.endpoint);
  expect(program).not.toBe(example);
  expect(await runProgram(program)).toEqual([
    "10",
    expect.stringMatching(/^database is other at poolSize since \d+: .*10 } .*20 }$/),
    expect.stringMatching(/^database is other at poolSize since \d+: .*20 } .*30 }$/),
  ]);
});
