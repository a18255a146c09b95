// Runs the suite on every line of etcd that is supported, and on a cluster of three, and prints a table:
//
//   pnpm test:matrix [--versions 3.4,3.7,3.5x3] [--project core]...
//
// "3.5x3" is three members of 3.5 behind each etcd of a test. Exit code 1 when a row is not green.
import { parseArgs } from "node:util";
import { prepare } from "./setup/prepare.mjs";

const { versions, project } = options();
await prepare();
// Each row has its own.
delete process.env.ETCD_BIN;
const { runRow } = await import("./matrix/row.mjs");
const { printTable } = await import("./matrix/table.mjs");

const rows = [];
for (const { version, members } of versions) {
  const row = await runRow(version, members, project);
  rows.push(row);
  if (row.interrupted) break;
}
printTable(rows);
process.exitCode = rows.length === versions.length && rows.every(({ ok }) => ok) ? 0 : 1;

function options() {
  try {
    const { values } = parseArgs({
      options: {
        versions: { type: "string", default: "3.4,3.5,3.6,3.7,3.5x3" },
        project: { type: "string", multiple: true, default: ["core", "discovery", "election", "config"] },
      },
      // pnpm hands on the "--" that separates its own arguments.
      args: process.argv.slice(2).filter((arg) => arg !== "--"),
    });
    return { ...values, versions: values.versions.split(",").map(rowOf) };
  } catch (error) {
    console.error(
      `matrix: ${error.message}\nusage: pnpm test:matrix [--versions 3.4,3.5x3] [--project core]...`,
    );
    process.exit(2);
  }
}

function rowOf(text) {
  const [, version, members = "1"] = /^(\d+\.\d+(?:\.\d+)?)(?:x([13]))?$/.exec(text) ?? [];
  if (version === undefined)
    throw new Error(`expected a version such as 3.5, or 3.5x3 for a cluster of three; got "${text}"`);
  return { version, members: Number(members) };
}
