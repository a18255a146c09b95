import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EtcdClient } from "@quorumkit/core";
import { type EtcdServer, startEtcd } from "@quorumkit/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isAtLeast } from "./support/server-version.ts";
import { createUser, enableAuth, ROOT, tokenGone } from "./support/users.ts";

// What members answer here without asking the others, 3.4 and 3.5 refuse in other words than everything else.
const CALLS: readonly {
  readonly name: string;
  readonly kind: "read" | "write";
  readonly call: (etcd: EtcdClient, endpoint: string, path: string) => Promise<unknown>;
}[] = [
  {
    name: "defragment",
    kind: "write",
    call: async ({ maintenance }, endpoint) => maintenance.defragment({ endpoint }),
  },
  { name: "hash", kind: "read", call: async ({ maintenance }) => maintenance.hash() },
  { name: "hashKV", kind: "read", call: async ({ maintenance }) => maintenance.hashKV() },
  { name: "snapshot", kind: "read", call: async ({ maintenance }) => readAll(maintenance.snapshot()) },
  {
    name: "snapshotToFile",
    kind: "read",
    call: async ({ maintenance }, _, path) => maintenance.snapshotToFile(path),
  },
];

async function readAll(pieces: AsyncIterable<Buffer>): Promise<number> {
  let bytes = 0;
  for await (const piece of pieces) bytes += piece.length;
  return bytes;
}

let server: EtcdServer;
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "auth-maintenance-"));
  server = await startEtcd({ args: ["--auth-token-ttl=1", "--log-level=debug"] });
  await using etcd = new EtcdClient({ endpoints: server.endpoints });
  const { id } = await etcd.leases.grant({ ttlSeconds: 600 });
  await etcd.electionService.campaign("ann/election", "boss", { lease: id });
  await enableAuth(server);
  await createUser(server, "ann", "Rather-Long-Secret-1");
  await createUser(server, "bob", "Rather-Long-Secret-2");
});
afterAll(async () => {
  await server.close();
  await rm(directory, { recursive: true });
});

async function firstOf(etcd: EtcdClient): Promise<string | undefined> {
  for await (const kv of etcd.electionService.observe("ann/election")) return kv.text();
  return undefined;
}

describe("after the token has expired", () => {
  it("a member is maintained, and an election observed, as before", async () => {
    const names = [...CALLS.map(({ name }) => name), "observe"];
    // Each its own, or the first to find out would log in for all.
    const clients = new Map(
      names.map((name) => [name, new EtcdClient({ endpoints: server.endpoints, auth: ROOT })]),
    );
    const clientOf = (name: string): EtcdClient => clients.get(name) as EtcdClient;
    await Promise.all(names.map(async (name) => clientOf(name).get("key")));
    await tokenGone(server);
    for (const { name, call } of CALLS)
      await call(clientOf(name), server.endpoint, join(directory, "backup.db"));
    expect(await firstOf(clientOf("observe"))).toBe("boss");
    await Promise.all(names.map(async (name) => clientOf(name).close()));
  });
});

describe("a user without the right", () => {
  it("is told PERMISSION_DENIED by every call of maintenance", async () => {
    await using etcd = new EtcdClient({
      endpoints: server.endpoints,
      auth: { username: "ann", password: "Rather-Long-Secret-1" },
    });
    for (const { kind, call } of CALLS) {
      await expect(call(etcd, server.endpoint, join(directory, "refused.db"))).rejects.toMatchObject({
        code: "PERMISSION_DENIED",
        outcome: kind === "write" ? "notApplied" : undefined,
      });
    }
  });

  it("is told so, too, when only the search for the leader is refused", async () => {
    await using etcd = new EtcdClient({
      endpoints: server.endpoints,
      auth: { username: "ann", password: "Rather-Long-Secret-1" },
    });
    await expect(etcd.maintenance.moveLeader(5n)).rejects.toMatchObject({
      // 3.4 lets anybody move the leader; there is no such member.
      code: isAtLeast(server, "3.5") ? "PERMISSION_DENIED" : "FAILED_PRECONDITION",
      outcome: "notApplied",
    });
  });

  it("is told PERMISSION_DENIED when it observes an election", async () => {
    await using etcd = new EtcdClient({
      endpoints: server.endpoints,
      auth: { username: "bob", password: "Rather-Long-Secret-2" },
    });
    await expect(firstOf(etcd)).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
  });
});

describe("a token or password that is not right", () => {
  it("is UNAUTHENTICATED in maintenance, too", async () => {
    await using etcd = new EtcdClient({ endpoints: server.endpoints, auth: { token: "nonsense" } });
    for (const { kind, call } of CALLS) {
      await expect(call(etcd, server.endpoint, join(directory, "refused.db"))).rejects.toMatchObject({
        code: "UNAUTHENTICATED",
        outcome: kind === "write" ? "notApplied" : undefined,
      });
    }
  });

  it("is UNAUTHENTICATED of a user who has none", async () => {
    await using root = new EtcdClient({ endpoints: server.endpoints, auth: ROOT });
    await root.auth.userAdd("certificate", { noPassword: true });
    await using etcd = new EtcdClient({
      endpoints: server.endpoints,
      auth: { username: "certificate", password: "Rather-Long-Secret-3" },
    });
    await expect(etcd.put("key", "1")).rejects.toMatchObject({
      code: "UNAUTHENTICATED",
      outcome: "notApplied",
    });
  });
});
