import { defineConfig } from "vitest/config";

const conditions = ["@quorumkit/source"];

// A project of its own, which shared-etcd.test.ts runs. Its files are not named *.test.ts, so that nobody else does.
export default defineConfig({
  cacheDir: "../../../node_modules/.vite/shared",
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["*.shared.ts"],
    globalSetup: process.env["TEST_GLOBAL_SETUP"] ?? [],
    maxWorkers: 2,
  },
});
