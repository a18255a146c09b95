import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { rpcs } from "@quorumkit/proto";
import { expect, test } from "vitest";
import { EmbeddedEtcd } from "../../src/embedded/embedded-etcd.ts";
import { Rpc, failureOf, watchKey } from "./support/rpc.ts";

test("a server that does not answer keeps its connections open and is silent, and goes on where it stopped", async () => {
  await using etcd = await EmbeddedEtcd.start({ quiet: true });
  await using rpc = new Rpc(etcd.endpoint);
  const watch = await watchKey(rpc, "a");
  const hold = etcd.hold("Put");
  const answered = rpc.put("a", "before");
  await hold.reached();
  expect((await watch.next()).events[0]?.kv?.value.toString()).toBe("before");

  etcd.stopAnswering();
  hold.release();
  const asked = rpc.put("a", "while silent");
  const abandoned = rpc.call(rpcs.kv.range, { key: Buffer.from("a") }, { timeoutMs: 100 });
  expect(await failureOf(abandoned)).toMatchObject({ code: 4 });
  expect(watch.received).toHaveLength(2);
  expect(etcd.revision).toBe(2n);

  etcd.answerAgain();
  expect(await answered).toBe(2n);
  expect(await asked).toBe(3n);
  expect((await watch.next()).events[0]?.kv?.value.toString()).toBe("while silent");
});

test("not even a ping is answered, on a connection that was open before or on a new one", async () => {
  await using etcd = await EmbeddedEtcd.start({ quiet: true });
  const before = connectHttp2(etcd.endpoint);
  await once(before, "remoteSettings");
  await ping(before);

  etcd.stopAnswering();
  const unanswered = ping(before);
  const { hostname, port } = new URL(etcd.endpoint);
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  socket.destroy();
  const after = connectHttp2(etcd.endpoint);
  await once(after, "connect");
  let heard = 0;
  void unanswered.then(() => (heard += 1));
  after.once("remoteSettings", () => (heard += 1));
  // Far longer than an answer takes here; that nothing comes cannot be waited for.
  const quiet = AbortSignal.timeout(300);
  await once(quiet, "abort");
  expect(heard).toBe(0);

  etcd.answerAgain();
  await unanswered;
  await expect.poll(() => heard).toBe(2);
  before.close();
  after.close();
});

test("connections that break are taken up again by a server that goes on", async () => {
  await using etcd = await EmbeddedEtcd.start({ quiet: true });
  await using rpc = new Rpc(etcd.endpoint);
  const watch = await watchKey(rpc, "a");
  etcd.dropConnections();
  expect(await watch.ended).toMatchObject({ code: 14 });
  await expect.poll(() => rpc.put("a", "1").catch(() => 0n)).toBeGreaterThan(1n);
});

async function ping(session: ReturnType<typeof connectHttp2>): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    session.ping((error) => (error === null ? resolve() : reject(error)));
  });
}
