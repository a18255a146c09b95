import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runChild } from "../setup/child.mjs";
import { root } from "../setup/prepare.mjs";
import { locate } from "./locate.mjs";
import { SINGLE_ONLY } from "./single-only.mjs";

/** Runs the suite on etcd of this version, with so many members behind each etcd of a test; never rejects. */
export async function runRow(version, members, projects) {
  const name = members === 1 ? version : `${version} x ${members}`;
  const started = performance.now();
  const row = { name, release: "", passed: 0, failed: [], excluded: [], interrupted: false };
  try {
    const { path, release } = await locate(version);
    row.release = release;
    console.error(`\nmatrix: ${name} is etcd ${release}, ${path}`);
    const { code, report } = await runSuite(path, members, projects);
    Object.assign(row, resultsOf(report), { interrupted: code > 128 });
    // Such as an error outside of any test.
    if (code !== 0 && row.failed.length === 0) row.failed.push(`vitest ended with ${code}`);
    if (row.passed === 0) row.failed.push("no test has passed");
  } catch (error) {
    row.failed.push(error.message);
  }
  return { ...row, seconds: (performance.now() - started) / 1000, ok: row.failed.length === 0 };
}

async function runSuite(etcd, members, projects) {
  const directory = mkdtempSync(join(tmpdir(), "quorumkit-matrix-"));
  const report = join(directory, "report.json");
  try {
    const code = await runChild(
      process.execPath,
      [
        join(root, "node_modules/vitest/vitest.mjs"),
        "run",
        ...projects.map((project) => `--project=${project}`),
        ...(members === 1 ? [] : ["--config=scripts/matrix/cluster.config.ts"]),
        "--reporter=dot",
        "--reporter=json",
        `--outputFile.json=${report}`,
      ],
      { cwd: root, env: { ...process.env, ETCD_BIN: etcd } },
    );
    return { code, report: JSON.parse(readFileSync(report, "utf8")) };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function resultsOf({ testResults }) {
  const results = testResults.flatMap(({ name: file, assertionResults }) =>
    assertionResults.map(({ fullName, status }) => ({ file, fullName, status })),
  );
  const where = (file) => file.slice(root.length);
  // A file that could not be read, or whose preparation failed, has no failed test.
  const broken = testResults.filter(
    ({ status, assertionResults }) =>
      status === "failed" && assertionResults.every((each) => each.status !== "failed"),
  );
  return {
    passed: results.filter(({ status }) => status === "passed").length,
    failed: [
      ...broken.map(({ name, message }) => `${where(name)}: ${message.split("\n")[0]}`),
      ...results
        .filter(({ status }) => status === "failed")
        .map(({ file, fullName }) => `${where(file)}: ${fullName}`),
    ],
    excluded: SINGLE_ONLY.filter(({ test }) =>
      results.some(({ fullName, status }) => fullName === test && status !== "passed" && status !== "failed"),
    ),
  };
}
