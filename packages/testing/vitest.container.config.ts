import { defineConfig } from "vitest/config";

// The tests that need a container engine: `pnpm test:container`.
export default defineConfig({
  root: import.meta.dirname,
  test: {
    include: ["test/*.container.ts"],
    testTimeout: 180_000,
    hookTimeout: 60_000,
    unstubEnvs: true,
  },
});
