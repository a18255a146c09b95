import { expect, onTestFinished, test } from "vitest";
import { DiallerFinder } from "../../src/proxy/dialler.ts";
import type { FaultProxy } from "../../src/proxy/fault-proxy.ts";
import { PeerLinks, type MemberDirectory } from "../../src/proxy/peer-links.ts";
import { startObservedProxy } from "../../src/proxy/start-fault-proxy.ts";
import { dial, refusal, TestServer, type TestSocket } from "./support/sockets.ts";

const IDS = [0xa0n, 0xa1n, 0xa2n];

/** The proxy before member 0, whose "etcd" echoes; who dials shows by the header only, if the machine does not tell. */
async function scene(byPort: MemberDirectory["byPort"] = () => Promise.resolve(undefined)): Promise<{
  readonly links: PeerLinks;
  readonly proxy: FaultProxy;
  readonly server: TestServer;
  readonly connect: () => Promise<TestSocket>;
}> {
  const server = await TestServer.start({ echo: true });
  const links = new PeerLinks(3, {
    byId: (id) => (IDS.includes(id) ? IDS.indexOf(id) : undefined),
    byPort,
  });
  const proxy = await startObservedProxy(server, {}, links.observer(0));
  const sockets: TestSocket[] = [];
  onTestFinished(async () => {
    for (const { socket } of sockets) socket.destroy();
    await proxy.close();
    await server[Symbol.asyncDispose]();
  });
  const connect = async (): Promise<TestSocket> => {
    const dialled = await dial(proxy.endpoint);
    sockets.push(dialled);
    return dialled;
  };
  return { links, proxy, server, connect };
}

function request(member: number): string {
  return `POST /raft HTTP/1.1\r\nHost: x\r\nX-Server-From: ${IDS[member]?.toString(16)}\r\n\r\n`;
}

test("the header is found however it is cut into chunks, and after requests without it", () => {
  const text = `GET /raft/probing HTTP/1.1\r\nHost: x\r\n\r\n${request(2)}`;
  for (let size = 1; size <= text.length; size++) {
    const finder = new DiallerFinder();
    let told = 0;
    for (let at = 0; at < text.length; at += size) {
      if (finder.learn(Buffer.from(text.slice(at, at + size)))) told++;
    }
    expect([finder.id, told]).toEqual([0xa2n, 1]);
  }
});

test("a request of a member that is cut off does not get through; those of another one do", async () => {
  const { links, server, connect } = await scene();
  links.set(1, 0, { fault: "cut" });
  links.apply();
  const [cutOff, free] = [await connect(), await connect()];
  cutOff.socket.write(request(1));
  free.socket.write(request(2));
  await expect.poll(() => [cutOff.error, free.text]).toEqual(["ECONNRESET", request(2)]);
  expect(server.sockets.map(({ text }) => text).join("")).toBe(request(2));
});

test("a connection that is there already is cut by who has dialled it", async () => {
  const { links, connect } = await scene();
  const [one, two] = [await connect(), await connect()];
  one.socket.write(request(1));
  two.socket.write(request(2));
  await expect.poll(() => [one.text, two.text]).toEqual([request(1), request(2)]);
  links.set(0, 2, { fault: "halfOpen" });
  links.apply();
  one.socket.write("+");
  two.socket.write("-");
  await expect.poll(() => one.text).toBe(`${request(1)}+`);
  expect([two.text, two.closed]).toEqual([request(2), false]);
  links.set(0, 2, { fault: undefined });
  links.apply();
  await expect.poll(() => two.error).toBe("ECONNRESET");
  expect(one.closed).toBe(false);
});

test("nobody gets through to a member that all are cut from, said or not", async () => {
  const { links, proxy } = await scene();
  for (const other of [1, 2]) links.set(other, 0, { fault: "cut" });
  links.apply();
  expect(await refusal(proxy.endpoint)).toBe("ECONNRESET");
});

test("until it is known who dials, nothing passes that could be from one who is cut off", async () => {
  const searches = new Map<number, (member: number) => void>();
  const { links, server, connect } = await scene(
    (port) => new Promise((resolve) => searches.set(port, resolve)),
  );
  links.set(1, 0, { fault: "cut" });
  links.apply();
  // Neither says who it is.
  const [cutOff, free] = [await connect(), await connect()];
  for (const { socket } of [cutOff, free]) socket.write("POST /leases HTTP/1.1\r\n\r\n");
  // This one says it before the machine does.
  const said = await connect();
  said.socket.write(request(2));
  await expect.poll(() => said.text).toBe(request(2));
  expect(server.sockets.map(({ text }) => text)).toEqual(["", "", request(2)]);
  await expect.poll(() => searches.size).toBe(2);
  searches.get(cutOff.socket.localPort ?? 0)?.(1);
  searches.get(free.socket.localPort ?? 0)?.(2);
  await expect.poll(() => [cutOff.error, free.text]).toEqual(["ECONNRESET", "POST /leases HTTP/1.1\r\n\r\n"]);
  expect(server.sockets[0]?.text).toBe("");
});
