import { readFileSync } from "node:fs";
import { startEtcd } from "@quorumkit/testing";
import { expect, it } from "vitest";
import { runProgram } from "./support/run-program.ts";

it("the README's example is the one that is compiled here, and it runs", async () => {
  const example = readFileSync(new URL("readme-example.ts", import.meta.url), "utf8");
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  expect(readme).toContain(`\`\`\`ts\n${example}\`\`\``);
  await using server = await startEtcd();
  const { code, stdout, stderr } = await runProgram(
    example.replace("http://127.0.0.1:2379", server.endpoint),
    [],
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout.trim().split("\n")).toEqual([
    "41 1n",
    "users/ann",
    "made bob",
    "true true",
    "put users/ann",
    "put users/bob",
    "2 live",
    "LEASE_NOT_FOUND notApplied",
    "offline",
  ]);
});
