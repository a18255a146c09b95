import { describe, it } from "vitest";
import { expectAlike } from "../conform.ts";
import { RECIPE_DIFFERENCES } from "./differences.ts";
import { sequences } from "./generators.ts";
import { openRecipePair } from "./pair.ts";

describe("the embedded server answers as etcd does", { timeout: 240_000 }, () => {
  it("to the clients of its lock and election services, whoever waits for whom", () =>
    expectAlike({
      open: openRecipePair,
      steps: sequences,
      differences: RECIPE_DIFFERENCES,
      sequences: 150,
    }));
});
