const COLUMNS = ["etcd", "release", "passed", "failed", "excluded", "seconds", ""];

/** One line per row, then what failed in each, and what a cluster was spared. */
export function printTable(rows) {
  const lines = rows.map(({ name, release, passed, failed, excluded, seconds, ok }) =>
    [name, release, passed, failed.length, excluded.length, seconds.toFixed(0), ok ? "ok" : "FAILED"].map(
      String,
    ),
  );
  const widths = COLUMNS.map((title, column) =>
    Math.max(title.length, ...lines.map((cells) => cells[column].length)),
  );
  const print = (cells) =>
    console.log(
      cells
        .map((cell, column) => cell.padEnd(widths[column]))
        .join("  ")
        .trimEnd(),
    );
  console.log("");
  print(COLUMNS);
  print(widths.map((width) => "-".repeat(width)));
  for (const line of lines) print(line);

  for (const { name, failed } of rows)
    for (const failure of failed) console.log(`\nFAILED on ${name}: ${failure}`);
  const excluded = new Set(rows.flatMap((row) => row.excluded));
  if (excluded.size > 0) console.log("\nNot for a cluster:");
  for (const { test, reason } of excluded) console.log(`  ${test}\n    ${reason}`);
}
