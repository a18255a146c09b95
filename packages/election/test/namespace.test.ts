import { Election } from "@quorumkit/election";
import { expect, it, onTestFinished } from "vitest";
import { queueUp, useEtcd } from "./support/harness.ts";

const harness = useEtcd();

it("an election in a namespace is the one of the whole name, and no other namespace's", async () => {
  const name = harness.newName();
  const inside = new Election(harness.etcd.namespace("app/"), name);
  const whole = new Election(harness.etcd, `app/${name}`);
  const elsewhere = new Election(harness.etcd.namespace("other/"), name);
  onTestFinished(async () => {
    await Promise.all([inside, whole, elsewhere].map(async (each) => each.close()));
  });
  const first = await inside.campaign("inside");
  expect((await elsewhere.campaign("elsewhere")).isLeader).toBe(true);
  expect(await harness.text(`app/${first.key}`)).toBe("inside");
  const second = await queueUp(whole, "whole");
  expect(second.predecessor).toBe(`app/${first.key}`);
  expect((await whole.leader())?.text()).toBe("inside");
  await first.resign();
  expect((await second.elected).isLeader).toBe(true);
  expect((await inside.leader())?.text()).toBe("whole");
});
