import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";
import { Etcd3 } from "etcd3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EmbeddedEtcd } from "../../src/embedded/embedded-etcd.ts";
import { findEtcdctl } from "../../src/index.ts";

let etcd: EmbeddedEtcd;

beforeEach(async () => {
  etcd = await EmbeddedEtcd.start({ members: 3, quiet: true });
});

afterEach(async () => {
  await etcd.close();
});

describe("etcdctl", () => {
  const environment = { PATH: process.env["PATH"], ETCDCTL_API: "3" };

  async function etcdctl(...args: string[]): Promise<string> {
    const { stdout, stderr } = await promisify(execFile)(await findEtcdctl(), endpoints(args), {
      env: environment,
      timeout: 15_000,
    });
    return stdout + stderr;
  }

  async function running(...args: string[]): Promise<{ child: ChildProcess; output: () => string }> {
    let output = "";
    const child = spawn(await findEtcdctl(), endpoints(args), { env: environment });
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    return { child, output: () => output };
  }

  function endpoints(args: readonly string[]): string[] {
    return [`--endpoints=${etcd.endpoints.join(",")}`, ...args];
  }

  async function end(child: ChildProcess): Promise<void> {
    const exited = once(child, "exit");
    child.kill("SIGINT");
    await exited;
  }

  test("put, get, delete and txn", async () => {
    expect(await etcdctl("put", "a", "1")).toBe("OK\n");
    expect(await etcdctl("get", "a")).toBe("a\n1\n");
    const child = execFile(await findEtcdctl(), endpoints(["txn"]), { env: environment });
    child.stdin?.end('value("a") = "1"\n\nput b 2\nget a\n\nput b 3\n\n');
    let output = "";
    child.stdout?.on("data", (chunk: string) => (output += chunk));
    await once(child, "exit");
    expect(output).toBe("SUCCESS\n\nOK\n\na\n1\n");
    expect(await etcdctl("del", "--prefix", "")).toBe("2\n");
  });

  test("watch", async () => {
    const { child, output } = await running("watch", "--prefix", "w/", "--rev=1");
    await etcdctl("put", "w/1", "one");
    await expect.poll(output).toBe("PUT\nw/1\none\n");
    await end(child);
  });

  test("lease", async () => {
    const granted = await etcdctl("lease", "grant", "60");
    const id = /lease ([0-9a-f]+) granted with TTL\(60s\)/.exec(granted)?.[1] ?? "";
    await etcdctl("put", "leased", "1", `--lease=${id}`);
    expect(await etcdctl("lease", "timetolive", "--keys", id)).toMatch(
      /granted with TTL\(60s\).*keys\(\[leased\]\)/,
    );
    expect(await etcdctl("lease", "keep-alive", "--once", id)).toContain("keepalived with TTL(60)");
    expect(await etcdctl("lease", "list")).toContain(id);
    etcd.expireLease(BigInt(`0x${id}`));
    expect(await etcdctl("get", "leased")).toBe("");
  });

  test("lock and elect", async () => {
    const holder = await running("lock", "mutex");
    await expect.poll(holder.output).toMatch(/^mutex\/[0-9a-f]+\n+$/);
    const waiter = await running("lock", "mutex");
    await expect
      .poll(() => etcdctl("get", "--prefix", "mutex/", "--keys-only"))
      .toMatch(/(mutex\/\S+\s+){2}/);
    expect(waiter.output()).toBe("");
    await end(holder.child);
    await expect.poll(waiter.output).toMatch(/^mutex\/[0-9a-f]+\n+$/);
    await end(waiter.child);

    const leader = await running("elect", "ballot", "me");
    await expect.poll(leader.output).toMatch(/^ballot\/[0-9a-f]+\nme\n$/);
    await end(leader.child);
  });

  test("the cluster: members, status, health, hashes, moving the leader", async () => {
    for (const { name, endpoint } of etcd.members) {
      expect(await etcdctl("member", "list")).toContain(`started, ${name}, ${endpoint}, ${endpoint}, false`);
    }
    const table = await etcdctl("endpoint", "status", "-w", "json");
    expect(JSON.parse(table)).toMatchObject(
      etcd.members.map(({ endpoint }) => ({
        Endpoint: endpoint,
        Status: { version: "3.5.30", raftTerm: 2 },
      })),
    );
    expect(await etcdctl("endpoint", "health")).toMatch(
      /(.* is healthy: successfully committed proposal.*\n){3}/,
    );
    const hashes = await etcdctl("endpoint", "hashkv");
    expect(
      new Set(
        hashes
          .trim()
          .split("\n")
          .map((line) => line.split(", ")[1]),
      ).size,
    ).toBe(1);
    expect(await etcdctl("alarm", "list")).toBe("");
    expect(await etcdctl("defrag")).toMatch(/(Finished defragmenting etcd member.*\n){3}/);
    await etcdctl("move-leader", etcd.members[2]?.id.toString(16) ?? "");
    expect(etcd.leader?.name).toBe("etcd2");
    await expect(etcdctl("member", "add", "more", "--peer-urls=http://127.0.0.1:1")).rejects.toThrow(
      /the embedded etcd cannot change its members/,
    );
  });

  test("a snapshot is refused with the reason", async () => {
    const args = [`--endpoints=${etcd.endpoint}`, "snapshot", "save", "/dev/null"];
    await expect(promisify(execFile)(await findEtcdctl(), args, { env: environment })).rejects.toThrow(
      /the embedded etcd keeps nothing on disk, and so has no snapshot to give/,
    );
  });
});

describe("npm etcd3", () => {
  let client: Etcd3;

  beforeEach(() => {
    client = new Etcd3({ hosts: [...etcd.endpoints] });
  });

  afterEach(() => {
    client.close();
  });

  test("keys and transactions", async () => {
    await client.put("a").value("1");
    expect(await client.get("a").string()).toBe("1");
    const result = await client
      .if("a", "Value", "==", "1")
      .then(client.put("a").value("2"))
      .else(client.put("a").value("3"))
      .commit();
    expect(result.succeeded).toBe(true);
    expect(await client.getAll().strings()).toEqual({ a: "2" });
    expect((await client.delete().all()).deleted).toBe("1");
  });

  test("watches", async () => {
    const watcher = await client.watch().prefix("w/").create();
    const seen: string[] = [];
    watcher.on("put", ({ key, value }) => seen.push(`${key.toString()}=${value.toString()}`));
    watcher.on("delete", ({ key }) => seen.push(`${key.toString()} gone`));
    await client.put("w/1").value("one");
    await client.delete().key("w/1");
    await expect.poll(() => seen).toEqual(["w/1=one", "w/1 gone"]);
    await watcher.cancel();
  });

  test("leases, locks and elections", async () => {
    const lease = client.lease(60);
    await lease.put("leased").value("1");
    await lease.keepaliveOnce();
    const lost = once(lease, "lost");
    etcd.expireLease(BigInt(await lease.grant()));
    expect(await client.get("leased")).toBeNull();
    await expect(lease.keepaliveOnce()).rejects.toThrow(/lease/i);
    await lost;

    const result = await client.lock("mutex").do(() => "held");
    expect(result).toBe("held");

    const election = client.election("ballot");
    const campaign = election.campaign("me");
    await once(campaign, "elected");
    expect(await election.leader()).toBe("me");
    await campaign.resign();
    expect(await election.leader()).toBeUndefined();
  });
});
