// Builds one deliberate fault into our own code at a time, in a copy of it, and shows which test notices:
//
//   pnpm mutations [--only <part of a name>]... [--check] [--list]
//
// --check looks only whether the list still fits the code; --list prints it, as it stands in docs/mutations.md. Exit code 1
// when a fault is not noticed, when a test fails without one, or when the list does not fit the code any more.
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { checkList } from "./mutations/check-list.mjs";
import { mutations } from "./mutations/list/index.mjs";
import { printList, printResult, printSurvivors, printTable, printUnfit } from "./mutations/report.mjs";

const { only, check, list } = options();
const chosen = mutations.filter(({ name }) => only.length === 0 || only.some((part) => name.includes(part)));
if (chosen.length === 0) fail(`no mutation has a name with ${only.join(" or ")} in it; see --list`);

if (list) printList(chosen);
else if (check) fits(fileURLToPath(new URL("../", import.meta.url)));
else await run();

async function run() {
  const { prepare } = await import("./setup/prepare.mjs");
  const { makeWorkspace } = await import("./mutations/workspace.mjs");
  const { judge, runUnmutated } = await import("./mutations/judge.mjs");
  await prepare();
  const started = performance.now();
  const { directory, remove } = makeWorkspace();
  const results = [];
  try {
    if (!fits(directory)) return;
    const before = await runUnmutated(chosen, directory);
    if (before.bad.length > 0) {
      printUnfit(before);
      process.exitCode = 1;
      return;
    }
    console.log(`mutations: ${before.count} tests pass without a fault\n`);
    for (const mutation of chosen) {
      const result = await judge(mutation, directory);
      if (result.interrupted) break;
      results.push(result);
      printResult(result);
    }
  } finally {
    remove();
  }
  printTable(results);
  printSurvivors(results);
  const caught = results.filter(({ verdict }) => verdict === "caught").length;
  const seconds = (performance.now() - started) / 1000;
  console.log(`\n${caught} of ${chosen.length} faults caught, in ${seconds.toFixed(0)} s`);
  process.exitCode = caught === chosen.length ? 0 : 1;
}

function fits(directory) {
  const problems = checkList(chosen, directory);
  for (const problem of problems) console.error(`mutations: ${problem}`);
  if (problems.length > 0) {
    console.error("mutations: scripts/mutations/list does not fit the code any more");
    process.exitCode = 1;
  } else console.log(`mutations: the list fits the code, ${chosen.length} faults`);
  return problems.length === 0;
}

function options() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: "string", multiple: true, default: [] },
        check: { type: "boolean", default: false },
        list: { type: "boolean", default: false },
      },
      // pnpm hands on the "--" that separates its own arguments.
      args: process.argv.slice(2).filter((arg) => arg !== "--"),
    });
    return values;
  } catch (error) {
    return fail(error.message);
  }
}

function fail(message) {
  console.error(
    `mutations: ${message}\nusage: pnpm mutations [--only <part of a name>]... [--check] [--list]`,
  );
  process.exit(2);
}
