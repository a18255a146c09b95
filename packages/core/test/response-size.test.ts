import { type CallMessage, type ClientOptions, DIAGNOSTICS, EtcdClient } from "@quorumkit/core";
import { EmbeddedEtcd, type EtcdServer, startEtcd } from "@quorumkit/testing";
import { tracingChannel } from "node:diagnostics_channel";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { rpcCount } from "./support/rpc-count.ts";

const LIMIT = 2 * 1024 * 1024;
const TOO_LARGE = "x".repeat(3_000_000);
/** Two of them fit into an answer. */
const LARGE = "x".repeat(900_000);

let server: EtcdServer;
let direct: EtcdClient;
beforeAll(async () => {
  server = await startEtcd({ args: ["--max-request-bytes=10485760"] });
  direct = new EtcdClient({ endpoints: server.endpoint });
});
afterAll(async () => {
  await direct.close();
  await server.close();
});

function client(options: Partial<ClientOptions> = {}): EtcdClient {
  const made = new EtcdClient({ endpoints: server.endpoint, maxResponseBytes: LIMIT, ...options });
  onTestFinished(() => made.close());
  return made;
}

/** How often each call that ended was sent. */
function sendings(): number[] {
  const seen: number[] = [];
  const subscriber = { asyncEnd: (message: object) => void seen.push((message as CallMessage).attempts) };
  const channel = tracingChannel(DIAGNOSTICS.call);
  channel.subscribe(subscriber as unknown as Parameters<typeof channel.subscribe>[0]);
  onTestFinished(() => {
    channel.unsubscribe(subscriber as unknown as Parameters<typeof channel.unsubscribe>[0]);
  });
  return seen;
}

describe("an answer larger than maxResponseBytes", () => {
  it("ends a read, which is not repeated, and the next one is answered", async () => {
    await direct.put("read/large", TOO_LARGE);
    const limited = client();
    const sent = sendings();
    await expect(limited.get("read/large")).rejects.toMatchObject({
      code: "RESPONSE_TOO_LARGE",
      outcome: undefined,
    });
    expect(sent).toEqual([1]);
    expect(await limited.get("read/large", { keysOnly: true })).toMatchObject({ key: "read/large" });
    expect(limited.connection.state).toBe("ready");
    expect((await direct.get("read/large"))?.text()).toBe(TOO_LARGE);
  });

  it("to a write leaves its outcome unknown, and the write is not sent again", async () => {
    await direct.put("write/large", TOO_LARGE);
    const before = await rpcCount(server, "Put");
    await expect(client().put("write/large", "small", { prevKv: true })).rejects.toMatchObject({
      code: "RESPONSE_TOO_LARGE",
      outcome: "unknown",
    });
    expect((await rpcCount(server, "Put")) - before).toBe(1);
    expect((await direct.get("write/large"))?.text()).toBe("small");
  });

  it("is not that of a batch: gets that share one are answered as they would be alone", async () => {
    const names = ["a", "b", "c", "d"].map((name) => `batch/${name}`);
    for (const name of names) await direct.put(name, LARGE);
    await direct.put("batch/e", TOO_LARGE);
    const limited = client();
    const answers = await Promise.allSettled([...names, "batch/e"].map(async (name) => limited.get(name)));
    expect(answers.map(({ status }) => status)).toEqual([...names.map(() => "fulfilled"), "rejected"]);
    expect(answers.at(-1)).toMatchObject({ reason: { code: "RESPONSE_TOO_LARGE" } });
  });

  it("ends a scan only where a single key is: pages get smaller until they fit", async () => {
    const names = ["a", "b", "c", "d", "e"].map((name) => `scan/${name}`);
    for (const name of names) await direct.put(name, LARGE);
    const limited = client();
    const scan = async (): Promise<string[]> => {
      const keys: string[] = [];
      for await (const { key } of limited.scan({ prefix: "scan/" })) keys.push(key);
      return keys;
    };
    await expect(limited.range({ prefix: "scan/" })).rejects.toMatchObject({ code: "RESPONSE_TOO_LARGE" });
    expect(await scan()).toEqual(names);
    await direct.put("scan/c", TOO_LARGE);
    await expect(scan()).rejects.toMatchObject({ code: "RESPONSE_TOO_LARGE" });
  });

  it("ends the watch it is for, and no other on its stream", async () => {
    const limited = client();
    const names = Array.from({ length: 9 }, (_, index) => `watch/${index}`);
    const watches = names.map((name) => {
      const got: string[] = [];
      const watcher = limited.watch(name, { startRevision: 1n });
      const ended = (async () => {
        for await (const { events } of watcher) got.push(...events.map(({ kv }) => kv.text()));
      })();
      ended.catch(() => {});
      return { watcher, got, ended };
    });
    await Promise.all(watches.map(({ watcher }) => watcher.ready()));
    for (const name of names) await direct.put(name, "before");
    // A watch that catches up gets as much at once as the server may send.
    for (const { got } of watches) await expect.poll(() => got, { timeout: 15_000 }).toEqual(["before"]);
    await direct.put("watch/5", TOO_LARGE);
    for (const name of names) await direct.put(name, "after");
    await expect(watches[5]?.ended).rejects.toMatchObject({ code: "RESPONSE_TOO_LARGE" });
    expect(watches[5]?.got).toEqual(["before"]);
    for (const { got } of watches.filter((_, index) => index !== 5)) {
      await expect.poll(() => got, { timeout: 15_000 }).toEqual(["before", "after"]);
    }
    // What ended it stays: from the same place it ends again.
    const again = limited.watch("watch/5", { startRevision: 1n });
    await expect(
      (async () => {
        for await (const _ of again);
      })(),
    ).rejects.toMatchObject({ code: "RESPONSE_TOO_LARGE" });
  });

  it("to a watch that has left ends no watch beside it", async () => {
    await using embedded = await EmbeddedEtcd.start({ quiet: true, maxRequestBytes: 10_485_760 });
    const limited = client({ endpoints: embedded.endpoint });
    await using writer = new EtcdClient({ endpoints: embedded.endpoint });
    const staying = limited.watch("left/staying", { startRevision: 1n });
    const got: string[] = [];
    const broke: string[] = [];
    staying.on("state", (_state, error) => void (error && broke.push(error.code)));
    const loop = (async () => {
      for await (const { events } of staying) got.push(...events.map(({ kv }) => kv.text()));
    })();
    loop.catch(() => {});
    const leaving = limited.watch("left/leaving", { startRevision: 1n });
    await Promise.all([staying.ready(), leaving.ready()]);
    // The server has it on its way before it hears that nobody wants it.
    const stall = embedded.stallStreams("Watch");
    await writer.put("left/leaving", TOO_LARGE);
    await leaving.close();
    stall.release();
    await expect.poll(() => broke, { timeout: 10_000 }).toEqual(["RESPONSE_TOO_LARGE"]);
    await writer.put("left/staying", "after");
    await expect.poll(() => got, { timeout: 10_000 }).toEqual(["after"]);
    await staying.close();
    await loop;
  });

  it("is told by a mirror, which then lists again", async () => {
    const limited = client();
    await direct.put("mirror/a", "1");
    await using mirror = await limited.mirror({ prefix: "mirror/" });
    await mirror.ready();
    const failures: string[] = [];
    mirror.on("failure", ({ code }) => failures.push(code));
    await direct.put("mirror/a", TOO_LARGE);
    await expect.poll(() => failures, { timeout: 15_000 }).toContain("RESPONSE_TOO_LARGE");
    await direct.put("mirror/a", "2");
    await expect.poll(() => mirror.get("mirror/a")?.text(), { timeout: 15_000 }).toBe("2");
    await expect.poll(() => mirror.state, { timeout: 15_000 }).toBe("live");
  });
});

describe("the maxResponseBytes option", () => {
  it("left out, takes what is larger than gRPC's own 4 MiB", async () => {
    for (let index = 0; index < 5; index += 1) await direct.put(`more/${index}`, "x".repeat(1_000_000));
    expect((await direct.range({ prefix: "more/" })).kvs).toHaveLength(5);
  });

  it.each([0, 2_097_151, 3e6 + 0.5, 2 ** 31, Infinity, "1MiB"])("refuses %o", (value) => {
    const maxResponseBytes = value as number;
    const received = typeof value === "string" ? `"${value}"` : String(value);
    const range = "a whole number between 2097152 and 2147483647";
    expect(() => new EtcdClient({ endpoints: "a:1", maxResponseBytes })).toThrow(
      new TypeError(`maxResponseBytes must be ${range}, received ${received}`),
    );
  });
});
