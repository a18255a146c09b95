import { EtcdClient, isEtcdError, type Session } from "@quorumkit/core";
import { type EtcdCluster, startEtcdCluster } from "@quorumkit/testing";
import { afterAll, beforeAll, expect, it } from "vitest";

/** Whether a copy is applied late is up to the member that wakes up; it mostly is in the first round. */
const ROUNDS = 10;
const CLIENTS = 6;

let cluster: EtcdCluster;
beforeAll(async () => {
  cluster = await startEtcdCluster(3);
});
afterAll(async () => {
  await cluster.close();
});

/** Takes locks and gives them up while a member is stopped. Gives whether it made a key when it went on, which has gone by then. */
async function round(name: string): Promise<{ made: boolean; alive: boolean }> {
  const leader = await cluster.leader();
  const stopped = cluster.members.find((member) => member !== leader) ?? leader;
  await using onlooker = new EtcdClient({ endpoints: leader.endpoint });
  await using awake = new EtcdClient({ endpoints: stopped.endpoint });
  const endpoints = [stopped.endpoint, leader.endpoint];
  const clients = Array.from({ length: CLIENTS }, () => new EtcdClient({ endpoints }));
  try {
    const sessions = await Promise.all(clients.map(async (client) => client.openSession({ ttlSeconds: 60 })));
    await Promise.all(clients.map(warmUp));
    await stopped.pause();
    await Promise.all(
      sessions.map(async (session, index) =>
        useLocks(clients[index] as EtcdClient, session, `${name}/${index}`),
      ),
    );
    const { count, revision } = await onlooker.range({ prefix: name }, { countOnly: true });
    expect(count).toBe(0n);
    const watcher = onlooker.watch({ prefix: name }, { startRevision: revision + 1n });
    const made = (async () => {
      let puts = 0;
      for await (const { events } of watcher) puts += events.filter(({ type }) => type === "put").length;
      return puts > 0;
    })();
    made.catch(() => {});
    await stopped.resume();
    // It has begun with what lay in its sockets when it answers what came after that.
    await awake.get(name, { timeoutMs: 15_000 });
    await watcher.requestProgress({ timeoutMs: 15_000 });
    const left = async (): Promise<string[]> =>
      (await onlooker.range({ prefix: name })).kvs.map(({ key }) => key);
    await expect.poll(left, { timeout: 10_000 }).toEqual([]);
    const alive = sessions.every((session) => session.alive);
    await watcher.close();
    return { made: await made, alive };
  } finally {
    await stopped.resume();
    for (const client of clients) await client.close();
  }
}

/** Until its connections to both members are up. */
async function warmUp(client: EtcdClient): Promise<void> {
  for (let call = 0; call < 12; call += 1) await client.put("warm", "");
}

/** One that waits for the second copy, and one that has no time for that. */
async function useLocks(client: EtcdClient, session: Session, name: string): Promise<void> {
  for (const timeoutMs of [15_000, 600]) {
    const lock = client.lock(`${name}/${timeoutMs}`, { session });
    const held = await lock.acquire({ timeoutMs }).catch((error: unknown) => {
      if (!isEtcdError(error, "TIMEOUT")) throw error;
    });
    await held?.release();
  }
}

it("what a stopped member does when it goes on, after the release: no lock stays on a session that lives on", async () => {
  for (let count = 0; count < ROUNDS; count += 1) {
    const { made, alive } = await round(`late-${count}`);
    expect(alive).toBe(true);
    if (made) break;
  }
}, 180_000);
