/** Tests that fail, or are not found, with no fault in the code: whatever they said about one would mean nothing. */
export function printUnfit({ bad, log }) {
  for (const { file, title, status, message } of bad)
    console.error(`mutations: ${status} without any fault: ${file}: ${title}\n${message}`);
  if (bad.some(({ status }) => status === "missing")) console.error(log);
}

/** What there is to say about one mutation as soon as it is known. */
export function printResult({ mutation, verdict, failed, seconds, log }) {
  const time = `${seconds.toFixed(0)} s`;
  console.log(`${verdict.padEnd(8)}  ${mutation.name}  (${time})`);
  for (const { message } of failed) console.log(`          ${firstLine(message)}`);
  if (verdict === "BROKEN") console.log(log.replaceAll(/^/gm, "          | "));
}

/** One line per mutation and test that caught it. */
export function printTable(results) {
  const rows = results.flatMap(({ mutation, verdict, failed }) => {
    const by = failed.map(({ file, title }) => `${shortened(file)}: ${title}`);
    return (by.length === 0 ? ["-"] : by).map((test, index) =>
      index === 0 ? [mutation.name, verdict, test] : ["", "", test],
    );
  });
  const titles = ["mutation", "verdict", "failed"];
  const widths = widthsOf([titles, ...rows]);
  const print = (cells) =>
    console.log(
      cells
        .map((cell, column) => cell.padEnd(widths[column]))
        .join("  ")
        .trimEnd(),
    );
  console.log("");
  print(titles);
  print(widths.map((width, column) => "-".repeat(column < 2 ? width : titles[column].length)));
  for (const row of rows) print(row);
}

/** The list as a table in Markdown, in columns as prettier has them. */
export function printList(mutations) {
  const rows = mutations.map(({ name, harm, tests }) => [
    `\`${name}\``,
    harm,
    [...new Set(tests.map(({ file }) => `\`${shortened(file)}\``))].join(", "),
  ]);
  const titles = ["fault", "what a user would suffer", "noticed by"];
  const widths = widthsOf([titles, ...rows]);
  const line = (cells, fill) => `| ${cells.map((cell, at) => cell.padEnd(widths[at], fill)).join(" | ")} |`;
  for (const row of [titles, ["", "", ""], ...rows]) console.log(line(row, row[0] === "" ? "-" : " "));
}

/** What is to be done about a fault nobody noticed. */
export function printSurvivors(results) {
  for (const { mutation, verdict } of results) {
    if (verdict !== "SURVIVED") continue;
    console.error(`\nSURVIVED: ${mutation.name}, in ${mutation.file}. ${mutation.harm}`);
    console.error("These tests pass with the fault, and should not:");
    for (const { file, title } of mutation.tests) console.error(`  ${file}: ${title}`);
  }
}

function widthsOf(rows) {
  return rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
}

function shortened(file) {
  return file.replace(/^packages\//, "").replace("/test/", "/");
}

function firstLine(message) {
  // What vitest's report has for a test that ran out of time is the place where it was defined.
  if (message.includes("STACK_TRACE_ERROR")) return "it was not done within its time";
  const line = message.split("\n")[0] ?? "";
  return line.length > 160 ? `${line.slice(0, 160)}…` : line;
}
