import { EmbeddedEtcd } from "../embedded/embedded-etcd.ts";
import { parseCommand, usage } from "./command.ts";

/**
 * `npx @quorumkit/testing`: an embedded etcd until SIGINT or SIGTERM. Its endpoints go to standard output, joined by commas,
 * on one line, so that a script can read them; everything else goes to standard error.
 */
async function main(): Promise<void> {
  const command = parseCommand(process.argv.slice(2));
  if (command === "help") {
    process.stdout.write(usage);
    return;
  }
  const stopped = nextSignal();
  const etcd = await EmbeddedEtcd.start(command);
  try {
    process.stdout.write(`${etcd.endpoints.join(",")}\n`);
    await stopped;
  } finally {
    await etcd.close();
  }
}

async function nextSignal(): Promise<void> {
  await new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
