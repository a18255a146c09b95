import { EtcdClient, op } from "@quorumkit/core";
import { Election, type Leadership } from "@quorumkit/election";
import { startFaultProxy } from "@quorumkit/testing";
import { etcdTest } from "@quorumkit/testing/vitest";
import { once } from "node:events";
import { expect } from "vitest";

const test = etcdTest();
/** A limit, not a wait: for machines that are busy. */
const soon = { timeout: 10_000 };

/** The worker: at work as long as it leads, and not a moment longer. */
async function work(name: string, leadership: Leadership, diary: string[]): Promise<void> {
  diary.push(`${name} works`);
  if (!leadership.signal.aborted) await once(leadership.signal, "abort");
  diary.push(`${name} stops`);
}

test("a worker that is cut off stops before another one works", async ({ etcd, namespace }) => {
  const diary: string[] = [];
  const stop = new AbortController();
  await using proxy = await startFaultProxy(etcd);
  const start = (name: string, endpoints: readonly string[]) => {
    const client = new EtcdClient({ endpoints, namespace });
    const election = new Election(client, "report", { ttlSeconds: 2 });
    const terms: Leadership[] = [];
    const running = election.run(
      (leadership) => {
        terms.push(leadership);
        return work(name, leadership, diary);
      },
      { value: name, signal: stop.signal },
    );
    const end = async () => {
      await running;
      await client.close();
    };
    return { terms, end };
  };

  const first = start("first", proxy.endpoints);
  await expect.poll(() => diary, soon).toEqual(["first works"]);
  const second = start("second", etcd.endpoints);
  await using observer = new EtcdClient({ endpoints: etcd.endpoints, namespace });
  await expect.poll(async () => (await observer.range({ prefix: "report/" })).count, soon).toBe(2n);

  // Its connections stay open, and nothing comes through any more: it has only its own clock to go by, and stops a tenth of a
  // second before etcd gives its place away.
  proxy.halfOpen();
  await expect.poll(() => diary, soon).toContain("first stops");
  await expect.poll(() => diary, soon).toEqual(["first works", "first stops", "second works"]);

  // Nor can the first one write afterwards, when the network is back.
  proxy.heal();
  const late = first.terms[0]?.txn().then(op.put("report/last", "first")).commit();
  await expect(late).rejects.toMatchObject({ code: "NOT_OWNER" });

  stop.abort();
  await Promise.all([first.end(), second.end()]);
});
