import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

const packages = ["proto", "testing", "core", "discovery", "election", "config"];

// Tests run on the sources: the condition comes before "default" in every package's exports.
const conditions = ["@quorumkit/source"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    // Every test file is a process and starts etcd processes of its own; on more than this they starve each other.
    pool: "forks",
    maxWorkers: Math.max(1, Math.min(4, availableParallelism() - 1)),
    // Real servers on a busy machine: in CI what fails gets a second chance, and the report says that it took one.
    retry: process.env["CI"] === "true" ? 1 : 0,
    restoreMocks: true,
    unstubEnvs: true,
    unstubGlobals: true,
    projects: [...packages.map((name) => `packages/${name}`), "examples", "docs", "chaos"].map((root) => ({
      extends: true as const,
      test: {
        name: root.replace("packages/", ""),
        root,
        include: ["test/**/*.test.ts"],
        testTimeout: 30_000,
        hookTimeout: 60_000,
      },
    })),
  },
});
