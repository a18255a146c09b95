import { rpcs } from "@quorumkit/proto";
import { describe, expect, test } from "vitest";
import { EmbeddedEtcd } from "../../src/embedded/embedded-etcd.ts";
import { Rpc } from "./support/rpc.ts";

describe("starts and stops", () => {
  test("come one after the other, and none after close", async () => {
    const etcd = await EmbeddedEtcd.start({ members: 2, quiet: true });
    const [member] = etcd.members;
    if (member === undefined) throw new Error("no member");
    await member.stop();
    await Promise.all([member.start(), member.start()]);
    expect(member.isRunning).toBe(true);
    await member.stop();
    const starting = member.start();
    await etcd.close();
    await starting.catch(() => undefined);
    expect(member.isRunning).toBe(false);
    await expect(member.start()).rejects.toThrow("closed");
    expect(member.isRunning).toBe(false);
  });
});

describe("heal", () => {
  test("lets stalled streams go on", async () => {
    await using etcd = await EmbeddedEtcd.start({ quiet: true });
    await using rpc = new Rpc(etcd.endpoint);
    const watch = rpc.open(rpcs.watch.watch);
    watch.send({ createRequest: { key: Buffer.from("a") } });
    await watch.next();
    etcd.stallStreams("Watch");
    await rpc.put("a", "1");
    etcd.heal();
    expect((await watch.next()).events).toHaveLength(1);
  });

  test("tells who waits for calls to be held that none will be", async () => {
    await using etcd = await EmbeddedEtcd.start({ quiet: true });
    const reached = etcd.hold("Put").reached(2);
    etcd.heal();
    await expect(reached).rejects.toThrow("released after 0 of 2");
  });
});

test("a fault for a member that is not there is refused", async () => {
  await using etcd = await EmbeddedEtcd.start({ members: 2, quiet: true });
  const member = "nobody";
  const refusal = 'expected option "member" to be one of etcd0, etcd1, got "nobody"';
  expect(() => etcd.failCall("Put", { member })).toThrow(refusal);
  expect(() => etcd.hold("Put", { member })).toThrow(refusal);
  expect(() => etcd.dropStreams("Watch", { member })).toThrow(refusal);
  expect(() => etcd.stallStreams("Watch", { member })).toThrow(refusal);
});

test("a member that is cut off loses with all others what a restart without data loses", async () => {
  await using etcd = await EmbeddedEtcd.start({ members: 3, quiet: true });
  await using rpc = new Rpc(etcd.members[2]?.endpoint ?? "");
  await rpc.put("a", "1");
  etcd.members[2]?.cutOff();
  await etcd.restart({ keepData: false });
  const { kvs } = await rpc.call(rpcs.kv.range, { key: Buffer.from("a"), serializable: true });
  expect(kvs).toEqual([]);
});
