import { once } from "node:events";
import { Server, ServerCredentials, type ServerDuplexStream, status } from "@grpc/grpc-js";
import { startEtcd } from "@quorumkit/testing";
import { rpcs } from "@quorumkit/proto";
import { EtcdClient } from "@quorumkit/core";
import { afterEach, describe, expect, it } from "vitest";
import { collect } from "./support/watching.ts";

describe("a watch that the server refuses", () => {
  it("ends with a typed error, and others are not touched by it", async () => {
    await using server = await startEtcd();
    await using etcd = new EtcdClient({ endpoints: server.endpoints });
    const before = etcd.watch("auth/before", { startRevision: 1n });
    const seenBefore = collect(before);
    await before.ready();
    const revision = (await etcd.put("auth/before", "1")).revision;
    await expect.poll(() => seenBefore.revision()).toBe(revision);

    await server.etcdctl(["user", "add", "root:secret"]);
    await server.etcdctl(["user", "grant-role", "root", "root"]);
    await server.etcdctl(["auth", "enable"]);

    for (const options of [{ startRevision: 1n }, {}]) {
      const watcher = etcd.watch("auth/after", options);
      const seen = collect(watcher);
      await expect(watcher.ready()).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
      expect(await seen.ended).toMatchObject({ code: "UNAUTHENTICATED" });
      expect(watcher.state).toBe("closed");
    }
    await server.etcdctl(["--user=root:secret", "put", "auth/before", "2"]);
    await expect.poll(() => seenBefore.lines().length).toBe(2);
    await before.close();
  });
});

/** A server that speaks gRPC and treats watch streams as the test says. */
class StrangeServer {
  streams = 0;
  readonly #server = new Server();

  constructor(onStream: (stream: ServerDuplexStream<Buffer, Buffer>) => void) {
    const asItIs = (bytes: Buffer): Buffer => bytes;
    this.#server.addService(
      {
        watch: {
          path: rpcs.watch.watch.path,
          requestStream: true,
          responseStream: true,
          requestSerialize: asItIs,
          requestDeserialize: asItIs,
          responseSerialize: asItIs,
          responseDeserialize: asItIs,
        },
      },
      {
        watch: (stream: ServerDuplexStream<Buffer, Buffer>) => {
          this.streams += 1;
          onStream(stream);
        },
      },
    );
  }

  async listen(): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
        if (error === null) resolve(`http://127.0.0.1:${port}`);
        else reject(error);
      });
    });
  }

  close(): void {
    this.#server.forceShutdown();
  }
}

/** `WatchResponse { watch_id: 0, created: true }` */
const CREATED = Buffer.from([0x18, 0x01]);

/** `WatchResponse { watch_id: -1, created: true, canceled: true, cancel_reason: reason }` */
function refusal(reason: string): Buffer {
  const text = Buffer.from(reason);
  const watchId = [0x10, ...Array.from({ length: 9 }, () => 0xff), 0x01];
  return Buffer.concat([Buffer.from([...watchId, 0x18, 0x01, 0x20, 0x01, 0x32, text.length]), text]);
}

describe("a refused create, as the server words it", () => {
  it.each([
    ["rpc error: code = PermissionDenied desc = etcdserver: permission denied", "PERMISSION_DENIED"],
    ["rpc error: code = Unauthenticated desc = etcdserver: invalid auth token", "UNAUTHENTICATED"],
    ["etcdserver: permission denied", "PERMISSION_DENIED"],
    ["something nobody knows", "INTERNAL"],
  ])("%s", async (reason, code) => {
    const strange = new StrangeServer((stream) => {
      void once(stream, "data").then(() => stream.write(refusal(reason)));
    });
    try {
      await using etcd = new EtcdClient({ endpoints: await strange.listen() });
      const watcher = etcd.watch("a", { startRevision: 1n });
      const error = await collect(watcher).ended;
      expect(error).toMatchObject({ code });
      expect(String(error)).toContain(reason);
      expect(watcher.state).toBe("closed");
      expect(strange.streams).toBe(1);
    } finally {
      strange.close();
    }
  });
});

it("a watch with an id of its own ends, typed, where the server picks another, as etcd's proxy does", async () => {
  const strange = new StrangeServer((stream) => {
    void once(stream, "data").then(() => stream.write(CREATED));
  });
  try {
    await using etcd = new EtcdClient({ endpoints: await strange.listen() });
    const watcher = etcd.watch("a", { startRevision: 1n, watchId: 7n });
    const seen = collect(watcher);
    await expect(watcher.ready()).rejects.toMatchObject({ code: "UNIMPLEMENTED" });
    expect(String(await seen.ended)).toContain("watch id 0 in place of 7");
    await etcd.watch("a", { startRevision: 1n }).ready();
  } finally {
    strange.close();
  }
});

describe("a server that ends every stream", () => {
  let strange: StrangeServer;
  afterEach(() => strange.close());

  it.each([
    ["at once, without an error", (stream: ServerDuplexStream<Buffer, Buffer>) => stream.end()],
    [
      "after it has confirmed the watch",
      (stream: ServerDuplexStream<Buffer, Buffer>) => {
        void once(stream, "data").then(() => {
          stream.write(CREATED);
          stream.end();
        });
      },
    ],
    [
      "with an error that says nothing",
      (stream: ServerDuplexStream<Buffer, Buffer>) => {
        stream.emit("error", { code: status.UNKNOWN, details: "whatever" });
      },
    ],
  ])("is not stormed (%s)", async (_, onStream) => {
    strange = new StrangeServer(onStream);
    await using etcd = new EtcdClient({ endpoints: await strange.listen() });
    const watchers = Array.from({ length: 3 }, () => etcd.watch("a", { startRevision: 1n }));
    const states: string[] = [];
    watchers[0]?.on("state", (state) => states.push(state));
    const began = performance.now();
    const cpu = process.cpuUsage();
    await expect
      .poll(() => performance.now() - began, { timeout: 5000, interval: 100 })
      .toBeGreaterThan(3000);
    const { user, system } = process.cpuUsage(cpu);
    // 0, 0, 50, 100, 200, 400, 800, 1600, 2000 ms, each cut by up to half.
    expect(strange.streams).toBeGreaterThan(4);
    expect(strange.streams).toBeLessThan(14);
    expect((user + system) / 1e6).toBeLessThan(1);
    expect(states[0]).toMatch(/interrupted|live/);
    for (const watcher of watchers) await watcher.close();
  });
});
