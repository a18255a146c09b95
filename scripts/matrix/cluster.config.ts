import { fileURLToPath } from "node:url";
import { mergeConfig } from "vitest/config";
import single from "../../vitest.config.ts";
import { SINGLE_ONLY } from "./single-only.mjs";

const standIn = fileURLToPath(new URL("cluster-as-server.mjs", import.meta.url));
const names = SINGLE_ONLY.map(({ test }) => test.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&"));

// The suite as it is, with three members behind every startEtcd().
export default mergeConfig(single, {
  root: fileURLToPath(new URL("../..", import.meta.url)),
  resolve: { alias: [{ find: /^@quorumkit\/testing$/, replacement: standIn }] },
  test: names.length === 0 ? {} : { testNamePattern: new RegExp(`^(?!(?:${names.join("|")})$)`) },
});
