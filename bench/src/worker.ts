// One contender in one scenario, in a process of its own: so that CPU time and memory are its own too.
import { once } from "node:events";
import { connect, type ContenderName } from "./contender.ts";
import { SCENARIOS, type Seed } from "./scenarios.ts";

const [name = "", scenarioName = ""] = process.argv.slice(2);
const scenario = SCENARIOS.find((each) => each.name === scenarioName);
if (scenario === undefined) throw new Error(`no scenario ${scenarioName}`);
const [seed] = (await once(process, "message")) as [Seed];
const contender = await connect(name as ContenderName, seed.endpoint);
const measurement = await scenario.run(contender, seed);
process.send?.(measurement);
// What a contender needs to close 10,000 leases is not measured.
process.exit(0);
