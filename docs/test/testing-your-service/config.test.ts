import { ConfigCenter } from "@quorumkit/config";
import { EtcdClient } from "@quorumkit/core";
import { etcdTest } from "@quorumkit/testing/vitest";
import { expect } from "vitest";
import { z } from "zod";

const test = etcdTest();
/** A limit, not a wait: for machines that are busy. */
const soon = { timeout: 10_000 };
const KEY = "config/global/limits";

/** The service: it lets through what its configuration allows, and reports what it could not take over. */
async function startGate(etcd: EtcdClient) {
  const center = await ConfigCenter.open(etcd, {
    layers: ["global"],
    documents: { limits: z.object({ perSecond: z.number().int().positive() }) },
  });
  const reports: string[] = [];
  center.on("rejected", ({ document, issues }) =>
    reports.push(`${document}: ${issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join()}`),
  );
  return { allows: (rate: number) => rate <= center.get("limits").perSecond, center, reports };
}

test("a bad value is reported, and never replaces the good one", async ({ etcd, namespace }) => {
  await using client = new EtcdClient({ endpoints: etcd.endpoints, namespace });
  await client.put(KEY, JSON.stringify({ perSecond: 100 }));
  const gate = await startGate(client);
  await using _ = gate.center;
  expect([gate.allows(100), gate.allows(101)]).toEqual([true, false]);

  // By hand, past every check.
  await client.put(KEY, JSON.stringify({ perSecond: "many" }));
  await expect.poll(() => gate.reports, soon).toHaveLength(1);
  expect(gate.reports[0]).toMatch(/^limits: perSecond: .*expected number/);
  expect([gate.allows(100), gate.allows(101)]).toEqual([true, false]);

  // With `publish` it does not even get into etcd.
  const { revision } = etcd;
  const published = gate.center.publish("limits", { perSecond: -1 }, { layer: "global" });
  await expect(published).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  expect(etcd.revision).toBe(revision);

  // A restart of the service in this state fails at once, and not later with half a configuration.
  await expect(startGate(client)).rejects.toThrow("limits");

  // Mended, it counts, also when the watch had been broken meanwhile.
  etcd.dropStreams("Watch");
  await client.put(KEY, JSON.stringify({ perSecond: 200 }));
  await expect.poll(() => gate.allows(200), soon).toBe(true);
  expect(gate.center.rejections).toEqual([]);
});
