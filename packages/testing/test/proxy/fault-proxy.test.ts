import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { startFaultProxy, type FaultProxyOptions } from "../../src/proxy/start-fault-proxy.ts";
import { scene } from "./support/scene.ts";
import { dial, refusal, TestServer } from "./support/sockets.ts";

test("bytes pass both ways as they are, and are counted", async () => {
  const { proxy, connect } = await scene({ echo: true });
  const { client } = await connect();
  const sent = randomBytes(300_000).toString("latin1");
  client.socket.write(sent, "latin1");
  await expect.poll(() => client.text.length, { timeout: 5_000 }).toBe(sent.length);
  expect(client.text === sent).toBe(true);
  expect(proxy.bytesReceived).toEqual({ requests: 300_000, answers: 300_000 });
  expect(proxy.bytesPassed).toEqual({ requests: 300_000, answers: 300_000 });
  expect(proxy.connections.map(({ clientPort }) => clientPort)).toEqual([client.socket.localPort]);
  expect(proxy.connections[0]?.bytesPassed).toEqual({ requests: 300_000, answers: 300_000 });
});

test("a side that ends its direction can still be answered, and nothing is left when both have ended", async () => {
  const { proxy, connect } = await scene();
  const { client, upstream } = await connect();
  client.socket.end("question");
  await expect.poll(() => upstream.ended).toBe(true);
  expect(upstream.text).toBe("question");
  upstream.socket.end("answer");
  await expect.poll(() => client.closed && upstream.closed).toBe(true);
  expect(client.text).toBe("answer");
  expect([client.error, upstream.error]).toEqual([undefined, undefined]);
  await expect.poll(() => proxy.connections.length).toBe(0);
});

test("cut ends both sides in order, and new connections are let through", async () => {
  const { proxy, connect } = await scene();
  const { client, upstream } = await connect();
  proxy.cut();
  await expect.poll(() => client.ended && upstream.ended).toBe(true);
  expect([client.error, upstream.error]).toEqual([undefined, undefined]);
  expect(proxy.connections).toEqual([]);
  await connect();
  expect(proxy.accepted).toBe(2);
});

test("reset is a reset on both sides", async () => {
  const { proxy, connect } = await scene();
  const { client, upstream } = await connect();
  proxy.reset();
  await expect.poll(() => [client.error, upstream.error]).toEqual(["ECONNRESET", "ECONNRESET"]);
});

test("a reset of one side reaches the other", async () => {
  const { connect } = await scene();
  const { client, upstream } = await connect();
  upstream.socket.resetAndDestroy();
  await expect.poll(() => client.error).toBe("ECONNRESET");
});

test("refuse resets new connections and leaves those there are, until accept", async () => {
  const { proxy, connect, server } = await scene({ echo: true });
  const { client } = await connect();
  proxy.refuse();
  expect(await refusal(proxy.endpoint)).toBe("ECONNRESET");
  client.socket.write("still here");
  await expect.poll(() => client.text).toBe("still here");
  expect([server.sockets.length, proxy.accepted, proxy.refused]).toEqual([1, 1, 1]);
  proxy.accept();
  await connect();
});

test("cutAfter passes exactly so many bytes", async () => {
  const { proxy, connect } = await scene();
  proxy.cutAfter("answers", 7);
  const { client, upstream } = await connect();
  upstream.socket.write("12345");
  await expect.poll(() => client.text).toBe("12345");
  expect(client.ended).toBe(false);
  upstream.socket.write("67890");
  await expect.poll(() => client.ended).toBe(true);
  expect(client.text).toBe("1234567");
  expect(client.error).toBeUndefined();
  expect(proxy.bytesPassed.answers).toBe(7);
  // Every connection has a count of its own.
  const second = await connect();
  second.upstream.socket.write("abcdefgh");
  await expect.poll(() => second.client.ended).toBe(true);
  expect(second.client.text).toBe("abcdefg");
});

test("cutAfter 0 ends before the next byte, with a reset if wanted", async () => {
  const { proxy, connect } = await scene({ echo: true });
  const { client, upstream } = await connect();
  proxy.cutAfter("answers", 0, "reset");
  client.socket.write("done, and never answered");
  await expect.poll(() => client.error).toBe("ECONNRESET");
  expect(upstream.text).toBe("done, and never answered");
  expect(client.text).toBe("");
});

test("one connection can be broken alone", async () => {
  const { proxy, connect } = await scene({ echo: true });
  const stranded = await connect();
  const [connection] = proxy.connections;
  connection?.hold();
  const free = await connect();
  stranded.client.socket.write("kept");
  free.client.socket.write("passed");
  await expect.poll(() => free.client.text).toBe("passed");
  await expect.poll(() => connection?.bytesReceived.requests).toBe(4);
  expect(connection?.bytesPassed.requests).toBe(0);
  connection?.heal();
  await expect.poll(() => stranded.client.text).toBe("kept");
  connection?.cut();
  await expect.poll(() => stranded.client.ended).toBe(true);
  expect(connection?.open).toBe(false);
  expect(proxy.connections.length).toBe(1);
});

test("nobody behind it: the connection is reset; with a new target the next one gets through", async () => {
  const { proxy, connect, server } = await scene();
  const gone = await TestServer.start();
  const { endpoint } = gone;
  await gone[Symbol.asyncDispose]();
  proxy.retarget(endpoint);
  expect(await refusal(proxy.endpoint)).toBe("ECONNRESET");
  proxy.retarget(server);
  await connect();
});

test("close ends everything, twice as well", async () => {
  const { proxy, connect } = await scene();
  const { client, upstream } = await connect();
  proxy.hold();
  client.socket.write("kept back for ever");
  await proxy.close();
  await proxy.close();
  await expect.poll(() => client.closed && upstream.closed).toBe(true);
  await expect(dial(proxy.endpoint)).rejects.toThrow("ECONNREFUSED");
});

test("wrong input is refused by name", async () => {
  const { proxy } = await scene();
  await expect(startFaultProxy("localhost:2379")).rejects.toThrow(
    /Expected target to be .* "localhost:2379"/,
  );
  await expect(startFaultProxy({ endpoint: "unix:///x" })).rejects.toThrow(TypeError);
  await expect(startFaultProxy("http://127.0.0.1", { maxBufferBytes: 0 })).rejects.toThrow(
    '"maxBufferBytes" to be a whole number from 1 on, got 0',
  );
  await expect(startFaultProxy("http://127.0.0.1", { max: 1 } as FaultProxyOptions)).rejects.toThrow(
    'Unknown option "max"',
  );
  expect(() => proxy.delay("both", -1)).toThrow("delay ms to be a number from 0 to 2147483647, got -1");
  expect(() => proxy.limit("both", 0)).toThrow("bytesPerSecond to be a number from 1 on, got 0");
  expect(() => proxy.cutAfter("both", 0.5)).toThrow("bytes to be a whole number from 0 on, got 0.5");
  expect(() => proxy.hold("up" as "both")).toThrow('"requests", "answers" or "both", got "up"');
  const https = await startFaultProxy("https://[::1]:2379");
  expect(https.endpoint).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
  await https.close();
});
