import { Client, credentials } from "@grpc/grpc-js";
import { type RangeStreamResponse, rpcs } from "@quorumkit/proto";
import { afterEach, expect, test } from "vitest";
import { EmbeddedEtcd } from "../../src/embedded/embedded-etcd.ts";
import { startEtcd } from "../../src/index.ts";
import { type KvCall, RealKv, bytes } from "./kv-support.ts";

const opened: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

async function embedded(version: string): Promise<{ kv: RealKv; client: Client }> {
  const etcd = await EmbeddedEtcd.start({ version, quiet: true });
  const kv = new RealKv(etcd.endpoint);
  const client = new Client(etcd.endpoint.replace("http://", ""), credentials.createInsecure());
  opened.push(
    () => etcd.close(),
    () => {
      kv.close();
    },
    () => {
      client.close();
    },
  );
  return { kv, client };
}

test("an end of a range that is sent empty means for it what it means for the real etcd", async () => {
  const etcd = await startEtcd({ quiet: true });
  const real = new RealKv(etcd.endpoint);
  opened.push(
    () => etcd.stop(),
    () => {
      real.close();
    },
  );
  const { kv } = await embedded(etcd.version);
  const span = { key: bytes("b"), rangeEnd: bytes("") };
  const requestRange = span;
  const compare = [{ ...span, target: 3 as const, value: bytes("b") }];
  const calls: KvCall[] = [
    ...["a", "b", "c"].map((key) => ({ put: { key: bytes(key), value: bytes(key) } })),
    { range: span },
    { txn: { success: [{ requestRange }] } },
    { txn: { compare, success: [{ requestRange }], failure: [{ requestRange }] } },
    { txn: { compare, success: [{ requestRange }, { requestPut: { key: bytes("d") } }] } },
    { deleteRange: span },
    { range: { key: bytes("\0"), rangeEnd: bytes("\0") } },
  ];
  for (const call of calls) expect(await kv.call(call, true)).toEqual(await real.call(call, true));
});

function stream(client: Client, request: object): Promise<RangeStreamResponse[]> {
  const { path, requestSerialize, responseDeserialize } = rpcs.kv.rangeStream;
  return client
    .makeServerStreamRequest(path, requestSerialize, responseDeserialize, request)
    .toArray() as Promise<RangeStreamResponse[]>;
}

test("a range comes in pieces from 3.7 on", async () => {
  const { kv, client } = await embedded("3.7.1");
  for (let index = 0; index < 50; index += 1)
    await kv.call({ put: { key: bytes(`key/${index}`), value: Buffer.alloc(50_000) } });
  const pieces = await stream(client, { key: bytes("key/"), rangeEnd: bytes("key0") });
  expect(pieces.map(({ rangeResponse }) => rangeResponse?.kvs.length)).toEqual([10, 20, 20]);
  expect(pieces.at(0)?.rangeResponse?.header).toBeNull();
  const header = pieces.at(-1)?.rangeResponse?.header;
  expect(header).toMatchObject({ revision: 51n });
  expect(header?.memberId).not.toBe(0n);
  await expect(stream(client, { key: bytes("") })).rejects.toMatchObject({
    details: "etcdserver: key is not provided",
  });
});

test("and before, there is no such method", async () => {
  const { client } = await embedded("3.5.30");
  await expect(stream(client, { key: bytes("a") })).rejects.toMatchObject({
    code: 12,
    details: "unknown method RangeStream for service etcdserverpb.KV",
  });
});
