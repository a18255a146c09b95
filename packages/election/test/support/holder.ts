// A candidate in a process of its own, to be killed and paused. It takes commands on stdin and answers on stdout, one
// JSON document per line.
import { EtcdClient, isEtcdError, op } from "@quorumkit/core";
import { Election } from "@quorumkit/election";
import { createInterface } from "node:readline";

const [endpoint = "", name = "", value = "", ttlSeconds = ""] = process.argv.slice(2);

function say(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

async function main(): Promise<void> {
  const etcd = new EtcdClient({ endpoints: endpoint });
  const election = new Election(etcd, name, { ttlSeconds: Number(ttlSeconds) });
  const leadership = await election.campaign(value);
  leadership.signal.addEventListener("abort", () => {
    const { reason } = leadership.signal;
    say({ event: "lost", code: isEtcdError(reason) ? reason.code : String(reason) });
  });
  say({ event: "elected", key: leadership.key, token: String(leadership.fencingToken) });
  for await (const command of createInterface({ input: process.stdin })) {
    // The very first thing that happens after a pause: a synchronous look.
    const isLeader = leadership.isLeader;
    if (command === "look") say({ event: "look", isLeader });
    if (command === "write") {
      const written = leadership
        .txn()
        .then(op.put(`${name}-data`, value))
        .commit();
      say({ event: "write", isLeader, code: await codeOf(written) });
    }
    if (command === "guard") {
      const txn = etcd
        .txn()
        .if(leadership.guard())
        .then(op.put(`${name}-data`, value))
        .else(op.get(`${name}-data`));
      say({ event: "guard", isLeader, applied: (await txn.commit({ timeoutMs: 20_000 })).succeeded });
    }
    if (command === "close") break;
  }
  // What is left must not keep the process alive: the input must not, either.
  process.stdin.destroy();
  await election.close();
  await etcd.close();
  say({ event: "closed" });
}

function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "OK",
    (error: unknown) => (isEtcdError(error) ? error.code : String(error)),
  );
}

main().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
