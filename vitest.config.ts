import { defineConfig } from "vitest/config";

// Tests run on the sources: the condition comes before "default" in every package's exports.
const conditions = ["@quorumkit/source"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    projects: ["proto", "testing", "core", "discovery", "election", "config"].map((name) => ({
      extends: true as const,
      test: { name, root: `packages/${name}`, include: ["test/**/*.test.ts"], testTimeout: 30_000, hookTimeout: 60_000 },
    })),
  },
});
