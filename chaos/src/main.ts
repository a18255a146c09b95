// The chaos run: three members of a real etcd behind fault proxies, worker processes, faults by a plan that follows from a
// seed, and in the end every history checked. Exit code 0 when nothing was violated.
import { parseOptions } from "./options.ts";
import { run } from "./run.ts";

const ending = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(name, () => ending.abort(new Error(`ended by ${name}`)));
}

try {
  const options = parseOptions(process.argv.slice(2));
  const good = await run(options, ending.signal);
  process.exitCode = good ? 0 : 1;
} catch (error) {
  console.error(ending.signal.aborted ? String(ending.signal.reason) : error);
  process.exitCode = ending.signal.aborted ? 130 : 2;
}
// Everything is closed; whatever Node would still wait for is no reason to stay.
process.exit();
