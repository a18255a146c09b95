import { expect, test, vi } from "vitest";
import { scene } from "./support/scene.ts";

test("half-open keeps the sockets and loses the bytes of one direction; healing resets what has lost bytes", async () => {
  const { proxy, connect } = await scene({ echo: true });
  const { client, upstream } = await connect();
  const whole = await connect();
  proxy.halfOpen("answers");
  client.socket.write("lost answer");
  await expect.poll(() => proxy.bytesReceived.answers).toBe(11);
  expect(upstream.text).toBe("lost answer");
  expect([client.text, client.closed]).toEqual(["", false]);
  expect(proxy.bytesPassed.answers).toBe(0);
  proxy.heal();
  await expect.poll(() => [client.error, upstream.error]).toEqual(["ECONNRESET", "ECONNRESET"]);
  // This one has lost nothing.
  whole.client.socket.write("goes on");
  await expect.poll(() => whole.client.text).toBe("goes on");
});

test("a half-open connection does not notice that the other side has ended or crashed", async () => {
  const { proxy, connect } = await scene();
  const ends = await connect();
  const crashes = await connect();
  proxy.halfOpen();
  ends.upstream.socket.end();
  crashes.upstream.socket.resetAndDestroy();
  ends.client.socket.write("to nobody");
  await expect.poll(() => proxy.bytesReceived.requests).toBe(9);
  await expect.poll(() => crashes.upstream.closed).toBe(true);
  const another = await connect();
  another.client.socket.write("also to nobody");
  await expect.poll(() => proxy.bytesReceived.requests).toBe(23);
  expect([ends.client, crashes.client].map(({ ended, closed, error }) => [ended, closed, error])).toEqual([
    [false, false, undefined],
    [false, false, undefined],
  ]);
  expect(another.upstream.text).toBe("");
  expect(proxy.connections.length).toBe(3);
});

test("what was held arrives after release, whole and in order, with the end after it", async () => {
  const { proxy, connect } = await scene();
  const { client, upstream } = await connect();
  proxy.hold("requests");
  client.socket.write("one ");
  client.socket.write("two ");
  client.socket.end("three");
  upstream.socket.write("the other direction passes");
  await expect.poll(() => client.text).toBe("the other direction passes");
  await expect.poll(() => proxy.bytesReceived.requests).toBe(13);
  expect([upstream.text, upstream.ended]).toEqual(["", false]);
  proxy.release();
  await expect.poll(() => [upstream.text, upstream.ended]).toEqual(["one two three", true]);
});

test("a held connection takes no more than its buffer, and the sender feels it", async () => {
  const maxBufferBytes = 200_000;
  const { proxy, connect } = await scene({ maxBufferBytes });
  const { client, upstream } = await connect();
  proxy.hold("requests");
  const sent = Buffer.alloc(20_000_000, "x");
  let written = false;
  client.socket.write(sent, () => (written = true));
  await expect.poll(() => proxy.bytesReceived.requests).toBeGreaterThanOrEqual(maxBufferBytes);
  await becomesQuiet(() => proxy.bytesReceived.requests);
  expect(proxy.bytesReceived.requests).toBeLessThan(maxBufferBytes + 128 * 1024);
  expect(written).toBe(false);
  proxy.release();
  await expect.poll(() => upstream.text.length, { timeout: 10_000 }).toBe(sent.length);
});

test("a receiver that does not read fills the buffer, not the memory", async () => {
  const maxBufferBytes = 100_000;
  const { proxy, connect } = await scene({ maxBufferBytes });
  const { client, upstream } = await connect();
  upstream.socket.pause();
  client.socket.write(Buffer.alloc(50_000_000, "x"));
  await becomesQuiet(() => proxy.bytesReceived.requests);
  const kept = proxy.bytesReceived.requests - proxy.bytesPassed.requests;
  expect(kept).toBeGreaterThan(0);
  expect(kept).toBeLessThan(maxBufferBytes + 128 * 1024);
  expect(proxy.bytesReceived.requests).toBeLessThan(50_000_000);
  upstream.socket.resume();
  await expect.poll(() => upstream.text.length, { timeout: 10_000 }).toBe(50_000_000);
});

test("a delay lets everything arrive later, in its order, in one direction", async () => {
  const { proxy, connect } = await scene({ echo: true });
  const { client, upstream } = await connect();
  proxy.delay("answers", 300);
  const sentAt = performance.now();
  client.socket.write("a");
  await expect.poll(() => upstream.text, { interval: 5 }).toBe("a");
  const there = performance.now() - sentAt;
  client.socket.write("b");
  await expect.poll(() => client.text, { interval: 5, timeout: 5_000 }).toBe("ab");
  expect(performance.now() - sentAt).toBeGreaterThanOrEqual(299);
  expect(there).toBeLessThan(250);
  client.socket.write("c");
  await expect.poll(() => upstream.text).toBe("abc");
  proxy.heal();
  // What waits does not wait on.
  await expect.poll(() => client.text, { timeout: 250 }).toBe("abc");
});

test("a limit is kept, and ends at once", async () => {
  const { proxy, connect } = await scene();
  const { client, upstream } = await connect();
  proxy.limit("requests", 100_000);
  const begun = performance.now();
  client.socket.write(Buffer.alloc(40_000, "x"));
  await expect.poll(() => upstream.text.length, { timeout: 5_000 }).toBe(40_000);
  const took = performance.now() - begun;
  expect(took).toBeGreaterThan(350);
  expect(took).toBeLessThan(2_000);
  proxy.limit("requests", 10);
  client.socket.write(Buffer.alloc(40_000, "x"));
  await expect.poll(() => upstream.text.length).toBeGreaterThan(40_000);
  proxy.limit("requests", Number.POSITIVE_INFINITY);
  await expect.poll(() => upstream.text.length).toBe(80_000);
});

/** Waits until a number has not changed for 100 ms. */
async function becomesQuiet(read: () => number): Promise<void> {
  let last = -1;
  await vi.waitFor(
    () => {
      const now = read();
      const quiet = now > 0 && now === last;
      last = now;
      if (!quiet) throw new Error(`still moving: ${now}`);
    },
    { interval: 100, timeout: 5_000 },
  );
}
