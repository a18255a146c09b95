import { type EtcdServer, startEtcd } from "@quorumkit/testing";
import { EtcdClient } from "@quorumkit/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTcpProxy } from "./support/tcp-proxy.ts";
import { collect, history } from "./support/watching.ts";

const PATIENT = { timeout: 15_000 };

let server: EtcdServer;
let direct: EtcdClient;
beforeAll(async () => {
  server = await startEtcd();
  direct = new EtcdClient({ endpoints: server.endpoints });
});
afterAll(async () => {
  await direct.close();
  await server.close();
});

describe("a watch that is cut off", () => {
  it("goes on right behind what it delivered, whether the next revision came before, while or after it was away", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    await using etcd = new EtcdClient({ endpoints: proxy.endpoint });
    const { revision: start } = await direct.put("position/start", "");
    const watcher = etcd.watch({ prefix: "position/" }, { startRevision: start + 1n });
    const seen = collect(watcher);
    const write = async (name: string): Promise<bigint> =>
      (await direct.put(`position/${name}`, name)).revision;
    for (let round = 0; round < 3; round += 1) {
      const before = await write("before");
      await expect.poll(() => seen.revision(), PATIENT).toBe(before);
      proxy.refuse();
      proxy.cut();
      await expect.poll(() => watcher.state, PATIENT).toBe("interrupted");
      // The revision right behind the position, except in the last round, where nothing happens meanwhile.
      const missed = round < 2 ? await write("missed") : before;
      proxy.accept();
      await expect.poll(() => watcher.state, PATIENT).toBe("live");
      await expect.poll(() => seen.revision(), PATIENT).toBe(missed);
    }
    const last = await write("after");
    await expect.poll(() => seen.revision(), PATIENT).toBe(last);
    expect(seen.lines()).toEqual(await history(direct, "position/", start, last));
  });
});
