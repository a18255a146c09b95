const announced = new Set<string>();

/** Writes `line` to stderr, once per process. */
export function announceOnce(line: string): void {
  if (announced.has(line)) return;
  announced.add(line);
  process.stderr.write(`${line}\n`);
}
