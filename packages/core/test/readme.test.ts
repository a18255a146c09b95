import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEtcd } from "@quorumkit/testing";
import { describe, expect, it } from "vitest";
import { runProgram } from "./support/run-program.ts";

const EXAMPLES = [
  {
    title: "first steps",
    program: new URL("readme-example.ts", import.meta.url),
    prints: [
      "41 1n",
      "users/ann",
      "made bob",
      "true true",
      "put users/ann",
      "put users/bob",
      "2 live",
      "LEASE_NOT_FOUND notApplied",
      "offline",
    ],
  },
  {
    title: "operating etcd",
    program: new URL("readme-operating.ts", import.meta.url),
    prints: ["sold", "false []", "true", "apples", "PERMISSION_DENIED"],
  },
  {
    title: "logs and metrics",
    program: new URL("readme-logging.ts", import.meta.url),
    prints: [
      "connection connecting",
      "connection ready",
      "a lease was granted",
      "a lease was ended",
      "connection closed",
      "LeaseGrant OK 1 true",
      "Put OK 1 true",
      "LeaseRevoke OK 1 true",
      "Put LEASE_NOT_FOUND 1 true",
    ],
  },
];

describe("the README's example", () => {
  it.each(EXAMPLES)(
    "of $title is the one that is compiled here, and it runs",
    async ({ program, prints }) => {
      const example = await readFile(program, "utf8");
      const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
      expect(readme).toContain(`\`\`\`ts\n${example}\`\`\``);
      await using server = await startEtcd();
      const directory = await mkdtemp(join(tmpdir(), "readme-"));
      try {
        const contents = example
          .replace("http://127.0.0.1:2379", server.endpoint)
          .replace('"backup.db"', JSON.stringify(join(directory, "backup.db")));
        const { code, stdout, stderr } = await runProgram(contents, []);
        expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
        expect(stdout.trim().split("\n")).toEqual(prints);
      } finally {
        await rm(directory, { recursive: true });
      }
    },
  );
});
