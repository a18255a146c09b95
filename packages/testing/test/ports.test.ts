import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { expect, test, vi } from "vitest";
import { startEtcd, startEtcdCluster } from "../src/index.ts";
import { freePorts } from "../src/ports.ts";

vi.mock(import("../src/ports.ts"), async (original) => ({
  freePorts: vi.fn<typeof freePorts>((await original()).freePorts),
}));

test("free ports are different, and free", async () => {
  const ports = await freePorts(20);
  expect(new Set(ports).size).toBe(20);
  const servers = ports.map((port) => createServer().listen(port, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  for (const server of servers) server.close();
});

test.each([
  ["an etcd", async (): Promise<AsyncDisposable> => startEtcd()],
  ["a whole cluster", async (): Promise<AsyncDisposable> => startEtcdCluster(3)],
])("%s starts again with other ports when one of its ports was taken in between", async (_what, start) => {
  const squatter = createServer().listen(0, "127.0.0.1");
  await once(squatter, "listening");
  const { port } = squatter.address() as AddressInfo;
  const choose = vi.mocked(freePorts);
  const free = await freePorts(6);
  choose.mockClear();
  choose.mockResolvedValueOnce([port, ...free]);
  try {
    await using _started = await start();
    expect(choose).toHaveBeenCalledTimes(2);
  } finally {
    squatter.close();
  }
});
