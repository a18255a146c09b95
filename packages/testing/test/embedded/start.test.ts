import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { rpcs } from "@quorumkit/proto";
import { describe, expect, test } from "vitest";
import { EmbeddedEtcd } from "../../src/embedded/embedded-etcd.ts";
import { bundle, bundleCommand, run } from "./support/program.ts";
import { Rpc, failureOf } from "./support/rpc.ts";

const notice =
  /^@quorumkit\/testing: an embedded etcd, for development and tests\. It keeps nothing on disk.*\n$/;

describe("options", () => {
  test.each([
    [{ members: 0 }, 'Expected option "members" to be a whole number from 1 to 9, got 0'],
    [{ port: -1 }, 'Expected option "port" to be a whole number from 0 to 65535, got -1'],
    [{ port: 65_535, members: 2 }, 'Expected option "port" to leave room for 2 members, got 65535'],
    [{ host: "example.org" }, 'Expected option "host" to be an IP address or "localhost", got "example.org"'],
    [
      { version: "2.3.8" },
      'Expected option "version" to be a release from 3.4 on, such as "3.5.30", got "2.3.8"',
    ],
    [
      { minTtlSeconds: 0 },
      'Expected option "minTtlSeconds" to be a whole number from 1 to 9000000000, got 0',
    ],
    [{ maxTxnOps: 0 }, 'Expected option "maxTxnOps" to be a whole number from 1 to 2147483647, got 0'],
    [
      { maxRequestBytes: 0.5 },
      'Expected option "maxRequestBytes" to be a whole number from 1 to 1073741824, got 0.5',
    ],
    [{ tokenTtlSeconds: 0 }, 'Expected option "tokenTtlSeconds" to be a number above 0, got 0'],
    [{ progressIntervalMs: 0 }, 'Expected option "progressIntervalMs" to be a number of at least 1, got 0'],
    [{ quiet: "yes" }, 'Expected option "quiet" to be a boolean, got "yes"'],
  ])("%j", async (options, message) => {
    await expect(EmbeddedEtcd.start(options as never)).rejects.toThrow(new TypeError(message));
  });

  test("an unknown one is refused with those that are known", async () => {
    await expect(EmbeddedEtcd.start({ membres: 3 } as never)).rejects.toThrow(
      /Unknown option "membres"; known are members, host, port, allowRemote/,
    );
  });

  test("only loopback addresses are listened on, unless told otherwise", async () => {
    for (const host of ["0.0.0.0", "::", "192.0.2.1"]) {
      await expect(EmbeddedEtcd.start({ host, quiet: true })).rejects.toThrow(
        new TypeError(
          `Expected option "host" to be a loopback address unless "allowRemote" is true, got "${host}"`,
        ),
      );
    }
    await using open = await EmbeddedEtcd.start({ host: "0.0.0.0", allowRemote: true, quiet: true });
    await using rpc = new Rpc(open.endpoint);
    expect(await rpc.put("a", "1")).toBe(2n);
  });

  test("the limits are those that were asked for", async () => {
    await using etcd = await EmbeddedEtcd.start({
      quiet: true,
      version: "3.6.4",
      minTtlSeconds: 7,
      maxTxnOps: 1,
      maxRequestBytes: 1000,
    });
    await using rpc = new Rpc(etcd.endpoint);
    expect(await rpc.call(rpcs.maintenance.status, {})).toMatchObject({
      version: "3.6.4",
      storageVersion: "3.6.0",
      dbSizeQuota: 2n ** 31n,
    });
    expect((await rpc.call(rpcs.lease.leaseGrant, { TTL: 1n })).TTL).toBe(7n);
    const put = { requestPut: { key: Buffer.from("a") } };
    const other = { requestPut: { key: Buffer.from("b") } };
    const txn = rpc.call(rpcs.kv.txn, { success: [put, other] });
    expect((await failureOf(txn)).details).toBe("etcdserver: too many operations in txn request");
    expect((await failureOf(rpc.put("a", "x".repeat(1000)))).details).toBe(
      "etcdserver: request is too large",
    );
    const huge = { code: 8, details: "grpc: received message larger than max (600009 vs. 525288)" };
    expect(await failureOf(rpc.put("a", "x".repeat(600_000)))).toEqual(huge);
    const watch = rpc.open(rpcs.watch.watch);
    watch.send({ createRequest: { key: Buffer.alloc(600_000) } });
    expect(await watch.ended).toMatchObject({ code: 8 });
  });

  test("a call may have a deadline far in the future", async () => {
    await using etcd = await EmbeddedEtcd.start({ quiet: true });
    await using rpc = new Rpc(etcd.endpoint);
    const yearMs = 365 * 24 * 3_600_000;
    const hold = etcd.hold("Put");
    const put = rpc.call(rpcs.kv.put, { key: Buffer.from("a") }, { timeoutMs: yearMs });
    await hold.reached();
    expect(await rpc.get("a")).toBe("");
    hold.release();
    expect((await put).header?.revision).toBe(2n);
  });

  test("a port that is taken is an error, and nothing stays behind", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;
    await expect(EmbeddedEtcd.start({ port, quiet: true })).rejects.toThrow(/EADDRINUSE/);
    taken.close();
    await once(taken, "close");
    await using etcd = await EmbeddedEtcd.start({ port, quiet: true });
    expect(etcd.endpoint).toBe(`http://127.0.0.1:${port}`);
  });
});

test("it says once what it is, and nothing keeps the process alive after close", async () => {
  const program = run(
    await bundle(`
      import { rpcs } from "@quorumkit/proto";
      import { EmbeddedEtcd } from "./src/embedded/embedded-etcd.ts";
      import { Rpc } from "./test/embedded/support/rpc.ts";
      async function main() {
        const etcd = await EmbeddedEtcd.start();
        const second = await EmbeddedEtcd.start({ members: 3 });
        // Everything that could hold a process: connections, streams, leases, held calls, waits.
        const rpc = new Rpc(etcd.endpoint);
        const lease = await rpc.grant(600n);
        await rpc.put("a", "1", lease);
        const watch = rpc.open(rpcs.watch.watch);
        watch.send({ createRequest: { key: Buffer.from("a") } });
        await watch.next();
        void rpc.call(rpcs.lock.lock, { name: Buffer.from("l"), lease }).catch(() => {});
        etcd.hold("Put");
        void rpc.put("b", "1").catch(() => {});
        second.members[0].cutOff();
        etcd.stopAnswering();
        await etcd.close();
        await etcd.close();
        await second.close();
        rpc.close();
      }
      void main();
    `),
  );
  expect(await program.ended).toBe(0);
  expect(program.errors()).toMatch(notice);
});

test("the command prints its endpoints, serves, and ends on a signal", async () => {
  const code = await bundleCommand();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    const program = run(code, ["--members", "3"]);
    await expect.poll(program.output, { timeout: 10_000 }).toMatch(/\n$/);
    const endpoints = program.output().trim().split(",");
    expect(endpoints).toHaveLength(3);
    await using rpc = new Rpc(endpoints[2] ?? "");
    expect(await rpc.put("a", "1")).toBe(2n);
    program.child.kill(signal);
    expect(await program.ended).toBe(0);
    expect(program.errors()).toMatch(notice);
  }
});

test("the command refuses what it does not know", async () => {
  const code = await bundleCommand();
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [["--prot", "1"], /Unknown option '--prot'/],
    [["--port", "http"], /Expected --port to be a whole number, got "http"/],
    [["--host", "0.0.0.0"], /"host" to be a loopback address unless "allowRemote" is true/],
    [["--members", "11"], /"members" to be a whole number from 1 to 9, got 11/],
  ];
  const ended = cases.map(async ([args, message]) => {
    const program = run(code, args);
    expect(await program.ended).toBe(1);
    expect(program.errors()).toMatch(message);
    expect(program.output()).toBe("");
  });
  await Promise.all(ended);
  const help = run(code, ["--help"]);
  expect(await help.ended).toBe(0);
  expect(help.output()).toMatch(/^Usage: npx @quorumkit\/testing/);
});
