import {
  type Metadata,
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { EtcdClient } from "@quorumkit/core";
import {
  type AuthenticateRequest,
  type AuthenticateResponseInput,
  type LeaseKeepAliveRequest,
  type LeaseKeepAliveResponseInput,
  type PutRequest,
  type PutResponseInput,
  type RangeRequest,
  type RangeResponseInput,
  services,
  type WatchRequest,
  type WatchResponseInput,
} from "@quorumkit/proto";
import { afterEach, describe, expect, it } from "vitest";
import { collect } from "./support/watching.ts";

const HEADER = { clusterId: 1n, memberId: 1n, revision: 5n, raftTerm: 1n };

/** Says of tokens what the test wants; everything else it answers as a server might. */
class StrangeServer {
  /** What a token is refused with; undefined takes it. */
  refuse: (token: string, rpc: string) => string | undefined = () => undefined;
  logins = 0;
  /** Each call and stream, with the token it had. */
  readonly seen: string[] = [];
  readonly #server = new Server();

  constructor() {
    this.#server.addService(
      { authenticate: services.auth.authenticate },
      {
        authenticate: (
          call: ServerUnaryCall<AuthenticateRequest, AuthenticateResponseInput>,
          answer: sendUnaryData<AuthenticateResponseInput>,
        ) => {
          this.seen.push(`authenticate ${tokenOf(call.metadata)}`);
          answer(null, { header: HEADER, token: `t-${(this.logins += 1)}` });
        },
      },
    );
    this.#server.addService(
      { put: services.kv.put, range: services.kv.range },
      {
        range: (
          call: ServerUnaryCall<RangeRequest, RangeResponseInput>,
          answer: sendUnaryData<RangeResponseInput>,
        ) => {
          const refusal = this.#look("range", call.metadata);
          if (refusal === undefined) answer(null, { header: HEADER });
          else answer(refusal);
        },
        put: (
          call: ServerUnaryCall<PutRequest, PutResponseInput>,
          answer: sendUnaryData<PutResponseInput>,
        ) => {
          const refusal = this.#look("put", call.metadata);
          if (refusal === undefined) answer(null, { header: HEADER });
          else answer(refusal);
        },
      },
    );
    this.#server.addService(
      { leaseKeepAlive: services.lease.leaseKeepAlive },
      {
        leaseKeepAlive: (stream: ServerDuplexStream<LeaseKeepAliveRequest, LeaseKeepAliveResponseInput>) => {
          const refusal = this.#look("keepAlive", stream.metadata);
          if (refusal !== undefined) stream.emit("error", refusal);
          stream.on("data", ({ ID }) => stream.write({ header: HEADER, ID, TTL: 7n }));
          stream.on("end", () => stream.end());
        },
      },
    );
    this.#server.addService(
      { watch: services.watch.watch },
      {
        watch: (stream: ServerDuplexStream<WatchRequest, WatchResponseInput>) => {
          const refusal = this.#look("watch", stream.metadata);
          if (refusal !== undefined) stream.emit("error", refusal);
          let watchId = 0n;
          stream.on("data", () => {
            const cancelReason = this.refuse(tokenOf(stream.metadata), "create");
            const created = { header: HEADER, created: true };
            if (cancelReason === undefined) stream.write({ ...created, watchId: watchId++ });
            else stream.write({ ...created, watchId: -1n, canceled: true, cancelReason });
          });
          stream.on("end", () => stream.end());
        },
      },
    );
  }

  #look(rpc: string, metadata: Metadata): Partial<ServiceError> | undefined {
    const token = tokenOf(metadata);
    this.seen.push(`${rpc} ${token}`);
    const details = this.refuse(token, rpc);
    return details === undefined ? undefined : { code: status.UNAUTHENTICATED, details };
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

function tokenOf(metadata: Metadata): string {
  return String(metadata.get("token")[0] ?? "-");
}

describe("a token that the server refuses", () => {
  let server = new StrangeServer();
  const clients: EtcdClient[] = [];
  const start = async (auth?: { username: string; password: string }): Promise<EtcdClient> => {
    server = new StrangeServer();
    const etcd = new EtcdClient({ endpoints: await server.listen(), auth, timeoutMs: 2_000 });
    clients.push(etcd);
    return etcd;
  };
  afterEach(async () => {
    for (const each of clients.splice(0)) await each.close();
    server.close();
  });
  const alice = { username: "alice", password: "secret" };

  it.each([
    "etcdserver: invalid auth token",
    "etcdserver: user name is empty",
    "etcdserver: revision of auth store is old",
  ])("%s: a write is sent again, since it did not run", async (text) => {
    const etcd = await start(alice);
    server.refuse = (token) => (token === "t-1" ? text : undefined);
    await etcd.put("key", "1");
    expect(server.seen).toEqual(["authenticate -", "put t-1", "authenticate -", "put t-2"]);
  });

  it("again and again ends the call, and neither call nor logins go on for ever", async () => {
    const etcd = await start(alice);
    server.refuse = () => "etcdserver: invalid auth token";
    await expect(etcd.put("key", "1")).rejects.toMatchObject({
      code: "UNAUTHENTICATED",
      outcome: "notApplied",
    });
    expect(server.seen.filter((each) => each.startsWith("put"))).toHaveLength(3);
    expect(server.logins).toBe(3);
    await Promise.allSettled(Array.from({ length: 50 }, async () => etcd.put("key", "1")));
    expect(server.logins).toBeLessThanOrEqual(5);
    server.refuse = () => undefined;
    await expect
      .poll(async () =>
        etcd.put("key", "1").then(
          () => "put",
          () => "not yet",
        ),
      )
      .toBe("put");
  });

  it("with a text that says something else is no reason to send a write again", async () => {
    const etcd = await start(alice);
    server.refuse = () => "the proxy wants a login";
    await expect(etcd.put("key", "1")).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    expect(server.seen).toEqual(["authenticate -", "put t-1"]);
  });

  it("without a login at all, is tried again only where a user may just have changed", async () => {
    const etcd = await start();
    let refusals = 0;
    server.refuse = () => ((refusals += 1) <= 2 ? "etcdserver: revision of auth store is old" : undefined);
    await etcd.put("key", "1");
    expect(server.seen).toEqual(["put -", "put -", "put -"]);
    server.refuse = () => "etcdserver: revision of auth store is old";
    await expect(etcd.put("key", "1")).rejects.toMatchObject({
      code: "UNAUTHENTICATED",
      outcome: "notApplied",
    });
    expect(server.seen).toHaveLength(7);
    server.refuse = () => "etcdserver: user name is empty";
    await expect(etcd.put("key", "1")).rejects.toMatchObject({
      code: "UNAUTHENTICATED",
      outcome: "notApplied",
    });
    expect(server.seen).toHaveLength(8);
  });

  it("at the opening of a stream is followed by another login and another stream", async () => {
    const etcd = await start(alice);
    server.refuse = (token, rpc) =>
      token === "t-1" && rpc === "watch" ? "etcdserver: invalid auth token" : undefined;
    const watcher = etcd.watch("key", { startRevision: 1n });
    const seen = collect(watcher);
    await watcher.ready();
    expect(server.seen).toEqual(["authenticate -", "watch t-1", "authenticate -", "watch t-2"]);
    server.refuse = (token) => (token === "t-2" ? "etcdserver: invalid auth token" : undefined);
    expect(await etcd.leases.keepAliveOnce(1n)).toBe(7);
    expect(server.seen.slice(4)).toEqual(["keepAlive t-2", "authenticate -", "keepAlive t-3"]);
    expect(watcher.state).toBe("live");
    await watcher.close();
    expect(await seen.ended).toBeUndefined();
  });

  it.each([
    // etcd before 3.4.25 and 3.5.8 says the one of an expired token, later ones the other.
    "rpc error: code = PermissionDenied desc = etcdserver: permission denied",
    "rpc error: code = Unauthenticated desc = etcdserver: invalid auth token",
  ])("for a new watch on an old stream moves that to a new stream (%s)", async (reason) => {
    const etcd = await start(alice);
    const old = etcd.watch("key", { startRevision: 1n });
    const seenByOld = collect(old);
    await old.ready();
    server.refuse = (token, rpc) => {
      if (token !== "t-1") return undefined;
      return rpc === "create" ? reason : "etcdserver: invalid auth token";
    };
    const watchers = Array.from({ length: 5 }, () => etcd.watch("key", { startRevision: 1n }));
    await Promise.all(watchers.map(async (each) => each.ready()));
    expect(server.logins).toBe(2);
    expect(server.seen.filter((each) => each.startsWith("watch"))).toEqual(["watch t-1", "watch t-2"]);
    expect(old.state).toBe("live");
    // One that leaves while it is looked into is not set up any more.
    server.refuse = (token, rpc) => (token === "t-2" && rpc === "create" ? reason : undefined);
    const leaving = etcd.watch("key", { startRevision: 1n });
    const left = collect(leaving);
    await leaving.close();
    expect(await left.ended).toBeUndefined();
    await Promise.all([old, ...watchers].map(async (each) => each.close()));
    expect(await seenByOld.ended).toBeUndefined();
  });

  it("for what its user may not do is not taken for an expired one", async () => {
    const etcd = await start(alice);
    const denied = "etcdserver: permission denied";
    server.refuse = (_token, rpc) =>
      rpc === "create"
        ? `rpc error: code = PermissionDenied desc = ${denied}`
        : rpc === "range"
          ? denied
          : undefined;
    for (let round = 0; round < 3; round += 1) {
      await expect(etcd.watch("key", { startRevision: 1n }).ready()).rejects.toMatchObject({
        code: "PERMISSION_DENIED",
      });
    }
    expect(server.logins).toBe(1);
  });
});
