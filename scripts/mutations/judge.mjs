import { runTests } from "./vitest.mjs";
import { withMutation } from "./source.mjs";

/** Runs the tests of all mutations on the code as it is. Gives those that do not pass. */
export async function runUnmutated(mutations, directory) {
  const byKey = new Map(mutations.flatMap(({ tests }) => tests.map((test) => [keyOf(test), test])));
  const { log, outcomes } = await runTests([...byKey.values()], directory);
  return { log, count: byKey.size, bad: outcomes.filter(({ status }) => status !== "passed") };
}

/**
 * Runs the tests of one mutation with the fault in the code.
 *
 * - `caught`: at least one of them failed.
 * - `SURVIVED`: all of them passed.
 * - `BROKEN`: they could not be run, so that nothing is known: the fault is no program any more, or blocks for ever.
 */
export async function judge(mutation, directory) {
  const started = performance.now();
  const run = await withMutation(mutation, directory, async () => runTests(mutation.tests, directory));
  const failed = run.outcomes.filter(({ status }) => status === "failed");
  const ran = run.outcomes.every(({ status }) => status !== "missing");
  return {
    mutation,
    failed,
    interrupted: run.interrupted && !run.hung,
    log: run.log,
    verdict: !ran || run.hung ? "BROKEN" : failed.length > 0 ? "caught" : "SURVIVED",
    seconds: (performance.now() - started) / 1000,
  };
}

function keyOf({ file, title }) {
  return `${file}\n${title}`;
}
