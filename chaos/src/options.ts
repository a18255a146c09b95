/** How a run is called. */
export interface RunOptions {
  readonly minutes: number;
  readonly seed: string;
  readonly workers: number;
  /** Where histories and logs are to be left, whatever comes out; else they are kept only when something is wrong. */
  readonly keep: string | undefined;
  /** Print the plan, and do nothing. */
  readonly planOnly: boolean;
}

const USAGE = `usage: pnpm chaos [--minutes N] [--seed S] [--workers N] [--keep DIR] [--plan]

  --minutes N   how long faults are applied (3)
  --seed S      what the plan of faults and the workers' choices follow from (a random one, which is printed)
  --workers N   worker processes, from 2 to 8 (4)
  --keep DIR    leave histories and logs there, whatever comes out
  --plan        print the plan of faults and do nothing`;

/** @throws TypeError naming what is wrong. */
export function parseOptions(args: readonly string[]): RunOptions {
  const given = new Map<string, string>();
  for (let index = 0; index < args.length; index += 1) {
    const name = args[index] ?? "";
    if (name === "--plan") {
      given.set(name, "");
      continue;
    }
    const value = args[(index += 1)];
    if (!["--minutes", "--seed", "--workers", "--keep"].includes(name) || value === undefined)
      throw new TypeError(`unknown or incomplete option ${name}\n${USAGE}`);
    given.set(name, value);
  }
  return {
    minutes: numberOf(given.get("--minutes"), "--minutes", { min: 0.1, max: 24 * 60, fallback: 3 }),
    seed: given.get("--seed") ?? String(Date.now() % 1_000_000),
    workers: Math.floor(numberOf(given.get("--workers"), "--workers", { min: 2, max: 8, fallback: 4 })),
    keep: given.get("--keep"),
    planOnly: given.has("--plan"),
  };
}

function numberOf(
  text: string | undefined,
  name: string,
  { min, max, fallback }: { readonly min: number; readonly max: number; readonly fallback: number },
): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!(value >= min && value <= max))
    throw new TypeError(`${name} must be a number from ${min} to ${max}, received ${text}`);
  return value;
}
