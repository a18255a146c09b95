import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { problemsOf } from "./support/expressions.ts";

const page = readFileSync(new URL("../coming-from.md", import.meta.url), "utf8");

/** The lines of the table, without its head. */
const rows = [...page.matchAll(/^\| (.+) \|$/gm)]
  .map(([, line = ""]) => line.split("|").map((cell) => cell.trim()))
  .slice(2);

const IMPORTS = `
import { compare, DIAGNOSTICS, discoverEndpoints, EtcdClient, EtcdError, isEtcdError, op } from "@quorumkit/core";
import type { HeldLock, Mirror, Session, Watcher } from "@quorumkit/core";
import { ConfigCenter } from "@quorumkit/config";
import { ServiceRegistry } from "@quorumkit/discovery";
import { Election, type Leadership } from "@quorumkit/election";
import { EmbeddedEtcd, startEtcd } from "@quorumkit/testing";
`;

const VALUES = `
declare const etcd: EtcdClient, error: EtcdError;
declare const held: HeldLock, mirror: Mirror, session: Session, watcher: Watcher;
declare const election: Election, leadership: Leadership;
`;

/** Words of the text around, and not code of ours. */
const WORDS = new Set([
  "for await",
  "signal",
  "topology",
  "notApplied",
  "unknown",
  "COMPACTED",
  "node:diagnostics_channel",
]);

describe("docs/coming-from.md", { timeout: 60_000 }, () => {
  it("has one table of seven columns, with every subject once", () => {
    expect(rows.length).toBeGreaterThan(60);
    expect(rows.filter((cells) => cells.length !== 7)).toEqual([]);
    const subjects = rows.map(([subject]) => subject);
    expect(subjects.filter((each, index) => subjects.indexOf(each) !== index)).toEqual([]);
    // Either a group of subjects, or there is something here.
    expect(rows.filter((cells) => cells[0]?.startsWith("**") !== (cells[6] === ""))).toEqual([]);
  });

  it("names nothing in the last column that is not there, as it is called and with the options it takes", () => {
    const named = rows
      .flatMap((cells) => [...(cells[6] ?? "").matchAll(/`([^`]+)`/g)])
      .map(([, code = ""]) => code)
      .filter((code) => !WORDS.has(code) && !code.startsWith("@quorumkit/"));
    expect(named.length).toBeGreaterThan(90);
    expect(problemsOf(named, { imports: IMPORTS, values: VALUES })).toEqual([]);
  });
});
