import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../setup/prepare.mjs";
import { runChild } from "../setup/child.mjs";

/** Tests fail by their own time limits; this is for what blocks the process they run in. */
const HUNG_MS = 300_000;

/**
 * Runs just these tests in `directory`. Gives how each of them ended, and `log`: what vitest said.
 *
 * @param tests `{ file, title }` each; a title is the test's own, without those of its groups
 */
export async function runTests(tests, directory) {
  const files = [...new Set(tests.map(({ file }) => file))];
  const projects = [...new Set(files.map(projectOf))];
  const titles = [...new Set(tests.map(({ title }) => title))];
  const scratch = mkdtempSync(join(tmpdir(), "quorumkit-mutation-"));
  const report = join(scratch, "report.json");
  const logFile = join(scratch, "log.txt");
  const log = openSync(logFile, "w");
  try {
    const code = await runChild(
      process.execPath,
      [
        join(root, "node_modules/vitest/vitest.mjs"),
        "run",
        ...files,
        ...projects.map((project) => `--project=${project}`),
        `--testNamePattern=(${titles.map(escaped).join("|")})$`,
        // One at a time: what a loaded machine does to a test must not look like the work of a fault.
        "--maxWorkers=1",
        // And a fault that shows only sometimes is caught all the same.
        "--retry=0",
        "--reporter=json",
        `--outputFile=${report}`,
      ],
      { cwd: directory, stdio: ["ignore", log, log], timeout: HUNG_MS, killSignal: "SIGKILL" },
    );
    const testResults = existsSync(report) ? JSON.parse(readFileSync(report, "utf8")).testResults : [];
    return {
      interrupted: code > 128,
      hung: code === 137,
      // What keeps a whole file from being read stands in the report only.
      log: [readFileSync(logFile, "utf8"), ...testResults.map(({ message }) => message)].join("\n").trim(),
      outcomes: outcomesOf(tests, resultsOf(testResults)),
    };
  } finally {
    closeSync(log);
    rmSync(scratch, { recursive: true, force: true });
  }
}

function projectOf(file) {
  return file.split("/")[1];
}

function escaped(text) {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

function resultsOf(testResults) {
  return testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.map(({ title, status, failureMessages }) => ({
      path: name.replaceAll("\\", "/"),
      title,
      status,
      message: failureMessages[0] ?? "",
    })),
  );
}

/** How each test ended: `passed`, `failed`, or `missing` when it did not run. */
function outcomesOf(tests, results) {
  return tests.map(({ file, title }) => {
    const found = results.filter((each) => each.path.endsWith(`/${file}`) && each.title === title);
    const failed = found.find(({ status }) => status === "failed");
    const status = failed ? "failed" : found.some((each) => each.status === "passed") ? "passed" : "missing";
    return { file, title, status, message: failed?.message ?? "" };
  });
}
