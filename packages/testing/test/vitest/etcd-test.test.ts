import { status } from "@grpc/grpc-js";
import { rpcs } from "@quorumkit/proto";
import { EmbeddedEtcd, startEtcd } from "@quorumkit/testing";
import { etcdTest, type EtcdTestOptions, type TestEtcd } from "@quorumkit/testing/vitest";
import { describe, expect, it } from "vitest";
import { Rpc } from "../embedded/support/rpc.ts";
import { listens } from "./listens.ts";

const seen: { readonly etcd: EmbeddedEtcd; readonly namespace: string }[] = [];

async function put(endpoint: string, key: string): Promise<void> {
  await using rpc = new Rpc(endpoint);
  await rpc.call(rpcs.kv.put, { key: Buffer.from(key), value: Buffer.from("x") });
}

const test = etcdTest();
const three = etcdTest({ start: async () => EmbeddedEtcd.start({ members: 3 }) });
const real = etcdTest({ start: async () => startEtcd() });

describe("one etcd per file", () => {
  test("serves, and a fault is ordered for all calls to come", async ({ etcd, namespace }) => {
    await put(etcd.endpoint, `${namespace}key`);
    expect(etcd.revision).toBe(2n);
    etcd.failCall("Put", { times: Infinity });
    await expect(put(etcd.endpoint, `${namespace}key`)).rejects.toMatchObject({ code: status.UNAVAILABLE });
    seen.push({ etcd, namespace });
  });

  test("is the same in the next test, which begins without faults and in a namespace of its own", async ({
    etcd,
    namespace,
  }) => {
    expect(etcd).toBe(seen[0]?.etcd);
    expect(namespace).not.toBe(seen[0]?.namespace);
    await put(etcd.endpoint, `${namespace}key`);
    expect(etcd.revision).toBe(3n);
  });

  test("Names are in a namespace: readable, and of one kind!", ({ namespace }) => {
    expect(namespace).toMatch(/^names-are-in-a-namespace-readable-and-of-[0-9a-f]{10}\/$/);
  });

  test("…", ({ namespace }) => {
    expect(namespace).toMatch(/^test-[0-9a-f]{10}\/$/);
  });

  const extended = test.extend<{ rpc: Rpc }>({
    rpc: async ({ etcd, namespace }, use) => {
      await using rpc = new Rpc(etcd.endpoint);
      await rpc.call(rpcs.kv.put, { key: Buffer.from(`${namespace}seed`), value: Buffer.from("x") });
      await use(rpc);
    },
  });

  extended("can be extended with what tests need", async ({ rpc, etcd, namespace }) => {
    const { kvs } = await rpc.call(rpcs.kv.range, { key: Buffer.from(`${namespace}seed`) });
    expect(kvs).toHaveLength(1);
    expect(etcd).toBe(seen[0]?.etcd);
  });
});

describe("one etcd per test", () => {
  const each = etcdTest({ per: "test" });
  const endpoints: string[] = [];

  each("is there", async ({ etcd }) => {
    endpoints.push(etcd.endpoint);
    await put(etcd.endpoint, "key");
    await etcd.rollBack({ to: 1n });
  });

  each("is a new one for the next, and the last is closed", async ({ etcd }) => {
    const [previous = ""] = endpoints;
    expect(etcd.endpoint).not.toBe(previous);
    expect(etcd.revision).toBe(1n);
    expect(await listens(previous)).toBe(false);
    expect(await listens(etcd.endpoint)).toBe(true);
  });
});

describe("an etcd of the user's choice", () => {
  three("may have members", ({ etcd }) => {
    expect(etcd.members).toHaveLength(3);
  });

  real("may be a real one", async ({ etcd, namespace }) => {
    await put(etcd.endpoint, namespace);
    await etcd.kill();
    await etcd.restart();
    expect(await etcd.etcdctl(["get", namespace, "--print-value-only"])).toBe("x\n");
  });
});

describe("options", () => {
  it.each([
    [{ per: "suite" }, 'etcdTest: expected option "per" to be "file" or "test", got "suite"'],
    [{ start: 1 }, 'etcdTest: expected option "start" to be a function that starts an etcd, got 1'],
    [{ server: 1 }, 'etcdTest: unknown option "server"; known are start, per'],
    [null, "etcdTest: expected options to be an object, got null"],
  ])("%o are refused", (options, message) => {
    expect(() => etcdTest(options as unknown as EtcdTestOptions<TestEtcd>)).toThrow(new TypeError(message));
  });
});
