import { expect, test } from "vitest";
import { EmbeddedEtcd } from "../../src/embedded/embedded-etcd.ts";
import { startEtcd } from "../../src/index.ts";
import { compareVersions, minorOf } from "../../src/version.ts";
import { Script, type Outcome, type Step } from "./auth-scripts/script.ts";
import { scripts } from "./auth-scripts/scripts.ts";

/**
 * The first releases that ask for everything that they should (CVE-2026-33413, CVE-2026-33343). The embedded server does not
 * take over the holes of those before, nor that 3.4 ends itself at a permission that is not given. So it is compared with them
 * in what does not touch these.
 */
const WHOLE_SINCE: Readonly<Record<string, string>> = { "3.4": "3.5", "3.5": "3.5.29", "3.6": "3.6.10" };

test.each(["management", "keys", "services", "tokens", "changes"] as const)(
  "the embedded server answers like the real one: %s",
  async (name) => {
    await using real = await startEtcd();
    await using embedded = await EmbeddedEtcd.start({ version: real.version, quiet: true });
    const steps = stepsFor(real.version, name);
    const [expected, found] = await Promise.all([run(real.endpoint, steps), run(embedded.endpoint, steps)]);
    expect(found).toEqual(expected);
  },
);

function stepsFor(version: string, name: keyof typeof scripts): readonly Step[] {
  const isWhole = compareVersions(version, WHOLE_SINCE[minorOf(version)] ?? version) >= 0;
  return isWhole ? scripts[name] : scripts.changes;
}

/** Each outcome beside the step that led to it, for whoever reads of a difference. */
async function run(endpoint: string, steps: readonly Step[]): Promise<[Step, Outcome][]> {
  const script = new Script(endpoint);
  try {
    const outcomes: [Step, Outcome][] = [];
    for (const step of steps) outcomes.push([step, await script.do(step)]);
    return outcomes;
  } finally {
    script.close();
  }
}
