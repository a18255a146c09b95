import { inspect } from "node:util";
import { Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { EtcdClient, EtcdError, type EtcdErrorCode, isEtcdError, op } from "@quorumkit/core";
import { rpcs } from "@quorumkit/proto";
import { type EtcdServer, startEtcd, startEtcdCluster } from "@quorumkit/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type * as original from "../src/errors/etcd-error.ts";
import { meaningOf, meaningOfCancelReason, wasNeverSent } from "../src/errors/server-errors.ts";
import { parseEndpoints } from "../src/transport/endpoint-url.ts";
import { ClusterConnection } from "../src/transport/cluster-connection.ts";
import type { UnaryRpc } from "../src/transport/rpcs.ts";

function connect(server: EtcdServer): ClusterConnection {
  return new ClusterConnection({ endpoints: parseEndpoints(server.endpoint), timeoutMs: 5_000 });
}

/** A call the client has no verb for yet. */
function write<Request, Response>(
  method: UnaryRpc<Request, Response>["method"],
): UnaryRpc<Request, Response> {
  return { name: "test", method, kind: "write", requireLeader: true };
}

/** A write refused with this code, nothing of it applied. */
async function expectRefused(promise: Promise<unknown>, code: EtcdErrorCode): Promise<void> {
  await expect(promise).rejects.toBeInstanceOf(EtcdError);
  await expect(promise).rejects.toMatchObject({ code, outcome: "notApplied" });
}

/** A read refused with this code; an outcome is for writes only. */
async function expectReadRefused(promise: Promise<unknown>, code: EtcdErrorCode): Promise<void> {
  await expect(promise).rejects.toBeInstanceOf(EtcdError);
  await expect(promise).rejects.toMatchObject({ code, outcome: undefined });
}

describe("what a live etcd says", () => {
  let server: EtcdServer;
  let etcd: EtcdClient;
  let connection: ClusterConnection;
  beforeAll(async () => {
    server = await startEtcd();
    etcd = new EtcdClient({ endpoints: server.endpoints });
    connection = connect(server);
  });
  afterAll(async () => {
    connection.close();
    await etcd.close();
    await server.close();
  });

  it("of keys and transactions", async () => {
    await expectRefused(etcd.put("nobody", "", { ignoreValue: true }), "INVALID_ARGUMENT");
    const ops = Array.from({ length: 129 }, (_, index) => op.put(`many/${index}`, "x"));
    await expectRefused(
      etcd
        .txn()
        .then(...ops)
        .commit(),
      "TOO_MANY_OPERATIONS",
    );
    await expectRefused(etcd.txn().then(op.put("a", "1"), op.put("a", "2")).commit(), "DUPLICATE_KEY");
    await expectRefused(etcd.put("big", Buffer.alloc(1_600_000)), "REQUEST_TOO_LARGE");
    await expectRefused(etcd.put("bigger", Buffer.alloc(4_000_000)), "REQUEST_TOO_LARGE");
    expect((await etcd.range({ prefix: "" })).count).toBe(0n);
  });

  it("of revisions", async () => {
    const { revision } = await etcd.put("a", "1");
    await etcd.put("a", "2");
    await server.etcdctl(["compact", String(revision + 1n)]);
    await expectReadRefused(etcd.get("a", { revision }), "COMPACTED");
    await expectReadRefused(etcd.get("a", { revision: revision + 1_000n }), "FUTURE_REVISION");
  });

  it("of leases", async () => {
    await expectRefused(etcd.put("a", "1", { lease: 4_711n }), "LEASE_NOT_FOUND");
    await expectRefused(etcd.leases.revoke(4_711n), "LEASE_NOT_FOUND");
    const lease = await etcd.leases.grant({ ttlSeconds: 60 });
    await expectRefused(etcd.leases.grant({ ttlSeconds: 60, id: lease.id }), "LEASE_EXISTS");
    await expectRefused(
      connection.unary(write(rpcs.lease.leaseGrant), { ID: 1n, TTL: 9_000_000_001n }),
      "LEASE_TTL_TOO_LARGE",
    );
    await etcd.leases.revoke(lease);
  });

  it("of users and roles", async () => {
    await expectRefused(connection.unary(write(rpcs.auth.authEnable), {}), "FAILED_PRECONDITION");
    await expectRefused(connection.unary(write(rpcs.auth.userGet), { name: "ghost" }), "NOT_FOUND");
    await expectRefused(connection.unary(write(rpcs.auth.roleGet), { role: "ghost" }), "NOT_FOUND");
    await expectRefused(connection.unary(write(rpcs.auth.userAdd), { name: "" }), "UNAUTHENTICATED");
    await connection.unary(write(rpcs.auth.roleAdd), { name: "reader" });
    await expectRefused(connection.unary(write(rpcs.auth.roleAdd), { name: "reader" }), "ALREADY_EXISTS");
    await expectRefused(
      connection.unary(write(rpcs.auth.authenticate), { name: "a", password: "b" }),
      "FAILED_PRECONDITION",
    );
  });

  it("of members", async () => {
    await expectRefused(connection.unary(write(rpcs.cluster.memberRemove), { ID: 42n }), "NOT_FOUND");
  });

  it("of a call it does not know", async () => {
    const unknown = { ...rpcs.kv.put, path: "/etcdserverpb.KV/Nope" } as typeof rpcs.kv.put;
    await expectRefused(connection.unary(write(unknown), {}), "UNIMPLEMENTED");
  });
});

describe("what an etcd in trouble says", () => {
  it("UNAUTHENTICATED without a login, and PERMISSION_DENIED without the right", async () => {
    await using server = await startEtcd();
    for (const command of [
      "user add root:pw",
      "user grant-role root root",
      "user add bob:pw",
      "auth enable",
    ]) {
      await server.etcdctl(command.split(" "));
    }
    await using etcd = new EtcdClient({ endpoints: server.endpoints });
    await expectRefused(etcd.put("a", "1"), "UNAUTHENTICATED");
    await expectReadRefused(etcd.get("a"), "UNAUTHENTICATED");
    const connection = connect(server);
    await expectRefused(
      connection.unary(write(rpcs.auth.authenticate), { name: "bob", password: "wrong" }),
      "UNAUTHENTICATED",
    );
    const { token } = await connection.unary(write(rpcs.auth.authenticate), { name: "bob", password: "pw" });
    const error = await putWithToken(server, token);
    expect(meaningOf(error.code, error.details)).toMatchObject({
      code: "PERMISSION_DENIED",
      outcome: "notApplied",
    });
    const invalid = await putWithToken(server, "nonsense");
    expect(meaningOf(invalid.code, invalid.details)).toMatchObject({ code: "UNAUTHENTICATED" });
    connection.close();
  });

  it("NO_SPACE when the quota is used up", async () => {
    await using server = await startEtcd({ args: ["--quota-backend-bytes=200000"] });
    await using etcd = new EtcdClient({ endpoints: server.endpoints });
    const fill = async (): Promise<void> => {
      for (let index = 0; index < 100; index += 1) await etcd.put(`fill/${index}`, Buffer.alloc(20_000));
    };
    await expectRefused(fill(), "NO_SPACE");
  });

  it("NO_LEADER without a majority, after the whole deadline, with nothing applied", async () => {
    await using cluster = await startEtcdCluster(3);
    const [left, ...others] = cluster.members as [EtcdServer, ...EtcdServer[]];
    await using etcd = new EtcdClient({ endpoints: left.endpoints });
    await etcd.put("a", "1");
    for (const other of others) await other.kill();
    await expect
      .poll(async () => etcd.put("a", "2", { timeoutMs: 1_000 }).catch((error: unknown) => error), {
        timeout: 20_000,
      })
      .toMatchObject({ code: "NO_LEADER", outcome: "notApplied" });
    await expectReadRefused(etcd.get("a", { timeoutMs: 500 }), "NO_LEADER");
    expect((await etcd.get("a", { serializable: true }))?.text()).toBe("1");
  });
});

async function putWithToken(server: EtcdServer, token: string): Promise<ServiceError> {
  const client = new Client(new URL(server.endpoint).host, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set("token", token);
  const { path, requestSerialize, responseDeserialize } = rpcs.kv.put;
  try {
    return await new Promise((resolve, reject) => {
      const input = { key: Buffer.from("a"), value: Buffer.from("1") };
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, input, metadata, (error) => {
        if (error === null) reject(new Error("was not refused"));
        else resolve(error);
      });
    });
  } finally {
    client.close();
  }
}

describe("reading a status", () => {
  it("knows what never left", () => {
    for (const details of [
      "No connection established. Last error: connect ECONNREFUSED",
      "Stream refused by server",
      "Deadline exceeded after 0.1s,name resolution: 0.001s,Waiting for LB pick",
      "Deadline exceeded after 0.1s,waiting for name resolution",
      "Failed to start HTTP/2 stream with error The session has been destroyed",
    ]) {
      expect(wasNeverSent(details)).toBe(true);
      expect(meaningOf(status.UNAVAILABLE, details)).toMatchObject({
        outcome: "notApplied",
        temporary: true,
      });
    }
    for (const details of [
      "Connection dropped",
      "Deadline exceeded after 0.1s,LB pick: 0.001s,remote_addr=1.2.3.4:5",
    ]) {
      expect(wasNeverSent(details)).toBe(false);
      expect(meaningOf(status.UNAVAILABLE, details)).toMatchObject({ outcome: "unknown", temporary: true });
    }
  });

  it("leaves open what nobody knows", () => {
    expect(meaningOf(status.UNKNOWN, "something new")).toEqual({
      code: "INTERNAL",
      outcome: "unknown",
      temporary: false,
    });
    expect(meaningOf(status.UNKNOWN, "raft proposal dropped")).toMatchObject({
      code: "NO_LEADER",
      outcome: "notApplied",
    });
  });

  it("finds the text in the reason of a cancelled watch", () => {
    const reason = "rpc error: code = PermissionDenied desc = etcdserver: permission denied";
    expect(meaningOfCancelReason(reason).code).toBe("PERMISSION_DENIED");
    expect(meaningOfCancelReason("").code).toBe("INTERNAL");
  });
});

describe("EtcdError", () => {
  it("begins with its code, and keeps the cause", () => {
    const cause = new Error("below");
    const error = new EtcdError("COMPACTED", "too old", { cause, compactRevision: 7n });
    expect(error.message).toBe("COMPACTED: too old");
    expect(String(error)).toBe("EtcdError: COMPACTED: too old");
    expect(error.cause).toBe(cause);
    expect(error.stack).toContain("COMPACTED: too old");
    expect("cause" in new EtcdError("INTERNAL", "x")).toBe(false);
  });

  it("can be printed as JSON, 64-bit revision and all", () => {
    const error = new EtcdError("COMPACTED", "too old", { compactRevision: 2n ** 60n });
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      name: "EtcdError",
      code: "COMPACTED",
      message: "COMPACTED: too old",
      compactRevision: "1152921504606846976",
    });
  });

  it("is recognised across two copies of the package, and nothing else is", async () => {
    const path = "../src/errors/etcd-error.ts?copy";
    const copy = (await import(/* @vite-ignore */ path)) as typeof original;
    expect(copy.EtcdError).not.toBe(EtcdError);
    const foreign = new copy.EtcdError("TIMEOUT", "x");
    expect(foreign).toBeInstanceOf(EtcdError);
    expect(isEtcdError(foreign, "TIMEOUT")).toBe(true);
    expect(isEtcdError(foreign, "CLOSED")).toBe(false);
    expect(EtcdError.from(foreign)).toBe(foreign);
    for (const other of [new Error("x"), undefined, null, "TIMEOUT", { code: "TIMEOUT" }]) {
      expect(isEtcdError(other)).toBe(false);
    }
  });

  it("shows neither key values nor what was sent", async () => {
    await using server = await startEtcd();
    await using etcd = new EtcdClient({ endpoints: server.endpoints });
    for (const doomed of [
      () => etcd.put("key", "hunter2", { lease: 4_711n }),
      () => etcd.txn().then(op.put("a", "hunter2"), op.put("a", "hunter2")).commit(),
    ]) {
      const error = await doomed().then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(EtcdError);
      expect(inspect(error, { depth: 10, showHidden: true })).not.toContain("hunter2");
      expect(JSON.stringify(error)).not.toContain("hunter2");
    }
  });
});
