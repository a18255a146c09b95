import { readdirSync, readFileSync } from "node:fs";
import { EmbeddedEtcd, FaultProxy, ProxiedCluster } from "@quorumkit/testing";
import * as history from "@quorumkit/testing/history";
import { describe, expect, it } from "vitest";

const page = readFileSync(new URL("../testing-your-service.md", import.meta.url), "utf8");
const programs = new URL("testing-your-service/", import.meta.url);

/** The public methods and getters of a class. */
function membersOf(type: { readonly prototype: object }): string[] {
  return Object.getOwnPropertyNames(type.prototype).filter((name) => name !== "constructor");
}

describe("docs/testing-your-service.md", () => {
  const shown = [...page.matchAll(/```ts\n(.*?)```/gs)].map(([, program]) => program);

  // They stand beside this file, where they are run as they are.
  it.each(readdirSync(programs))("shows %s as it is run here", (name) => {
    expect(shown).toContain(readFileSync(new URL(name, programs), "utf8"));
  });

  it("shows three complete tests", () => {
    expect(shown.filter((program) => program?.includes("const test = etcdTest();\n"))).toHaveLength(3);
  });

  it.each([
    ["EmbeddedEtcd", [...membersOf(EmbeddedEtcd), "members"]],
    ["FaultProxy", membersOf(FaultProxy)],
    ["ProxiedCluster", membersOf(ProxiedCluster)],
    ["the checkers", Object.keys(history).filter((name) => name.startsWith("check"))],
  ])("names everything that can be done to or with %s", (_, names) => {
    // What tells rather than does, and what every one of them has.
    const told = /^(endpoint|close|version|accepted|refused|bytes\w+|retarget)$/;
    const missing = names.filter((name) => !told.test(name) && !new RegExp(`\\b${name}\\b`).test(page));
    expect(missing).toEqual([]);
  });
});
