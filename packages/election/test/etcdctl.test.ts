import { Election } from "@quorumkit/election";
import { findEtcdctl } from "@quorumkit/testing";
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { beforeAll, expect, it, onTestFinished } from "vitest";
import { eventually, queueUp, untilView, useEtcd } from "./support/harness.ts";

const harness = useEtcd();
let etcdctlPath: string;
beforeAll(async () => {
  etcdctlPath = await findEtcdctl(harness.server.version);
});

/** `etcdctl elect`, whose lines are collected: a key and its value for each leader. */
function elect(...args: string[]): { process: ChildProcess; lines: string[] } {
  const child = spawn(etcdctlPath, [`--endpoints=${harness.server.endpoint}`, "elect", ...args], {
    env: { ...process.env, ETCDCTL_API: "3" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  return { process: child, lines };
}

async function untilQueued(name: string, count: number): Promise<void> {
  await eventually(async () => (await harness.keysOf(name)).length).toBe(count);
}

it("etcdctl elect and this library stand in one election, in the order of arrival, and see each other", async () => {
  const name = harness.newName();
  const election = new Election(harness.etcd, name);
  onTestFinished(() => election.close());
  const first = await election.campaign("ours");
  const listener = elect("-l", name);
  await eventually(() => listener.lines).toEqual([first.key, "ours"]);

  const second = elect(name, "theirs");
  await untilQueued(name, 2);
  const third = await queueUp(election, "ours again");
  const fourth = elect(name, "theirs again");
  await untilQueued(name, 4);
  const views = election.observe()[Symbol.asyncIterator]();
  const all = await untilView(views, () => true);
  expect(all.candidates.map((each) => each.text())).toEqual(["ours", "theirs", "ours again", "theirs again"]);
  expect(all.candidates[1]?.key).toBe(third.predecessor);

  await first.proclaim("ours v2");
  await eventually(() => listener.lines).toEqual([first.key, "ours", first.key, "ours v2"]);
  expect(second.lines).toEqual([]);
  await first.resign();
  await eventually(() => second.lines).toEqual([third.predecessor, "theirs"]);
  const theirs = await untilView(views, ({ leader }) => leader?.text() === "theirs");
  expect(theirs.leader?.fencingToken).toBeGreaterThan(first.fencingToken);
  expect((await election.leader())?.text()).toBe("theirs");

  second.process.kill("SIGINT");
  const ours = await third.elected;
  expect(ours.fencingToken).toBeGreaterThan(theirs.leader?.fencingToken ?? 0n);
  expect(fourth.lines).toEqual([]);
  await ours.resign();
  await eventually(() => fourth.lines.at(-1)).toBe("theirs again");
  fourth.process.kill("SIGINT");
  await untilQueued(name, 0);
  expect((await untilView(views, ({ leader }) => leader === undefined)).candidates).toEqual([]);
  await views.return?.();
});
