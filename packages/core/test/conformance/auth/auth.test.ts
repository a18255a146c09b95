import { describe, it } from "vitest";
import { expectAlike } from "../conform.ts";
import { AUTH_DIFFERENCES } from "./differences.ts";
import { sequences } from "./generators.ts";
import { openAuthPair } from "./pair.ts";

describe("the embedded server answers as etcd does", { timeout: 240_000 }, () => {
  it("to users with roles, tokens and permissions, and to their administration", () =>
    expectAlike({
      open: openAuthPair,
      steps: sequences,
      differences: AUTH_DIFFERENCES,
      sequences: 200,
    }));
});
