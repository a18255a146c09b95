import { parseArgs } from "node:util";
import type { EmbeddedEtcdOptions } from "../embedded/options.ts";

/** What `--help` prints. */
export const usage = `Usage: npx @quorumkit/testing [options]

Starts an etcd inside this process, prints its endpoints, and ends on SIGINT or SIGTERM.
It keeps nothing on disk, and is for development and tests.

  --port N             port of the first member; further members take those after it (default: free ones)
  --members N          members of the cluster (default 1)
  --host ADDRESS       address to listen on (default 127.0.0.1)
  --allow-remote       listen on an address that is not loopback
  --etcd-version V     the etcd release to answer as (default 3.5.30)
  --quiet              print the endpoints only
  --help               print this
`;

const options = {
  port: { type: "string" },
  members: { type: "string" },
  host: { type: "string" },
  "allow-remote": { type: "boolean" },
  "etcd-version": { type: "string" },
  quiet: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

/** @throws Error for an argument that is unknown or wrong */
export function parseCommand(args: readonly string[]): EmbeddedEtcdOptions | "help" {
  const { values } = parseArgs({ args: [...args], options, strict: true });
  if (values.help === true) return "help";
  const { port, members, host, quiet } = values;
  const version = values["etcd-version"];
  const allowRemote = values["allow-remote"];
  return {
    ...(port !== undefined && { port: toNumber("--port", port) }),
    ...(members !== undefined && { members: toNumber("--members", members) }),
    ...(host !== undefined && { host }),
    ...(version !== undefined && { version }),
    ...(allowRemote !== undefined && { allowRemote }),
    ...(quiet !== undefined && { quiet }),
  };
}

function toNumber(name: string, text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new TypeError(`Expected ${name} to be a whole number, got ${JSON.stringify(text)}`);
}
