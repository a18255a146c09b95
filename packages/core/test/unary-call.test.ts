import { once } from "node:events";
import { createServer, type Http2Server, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { status } from "@grpc/grpc-js";
import { startEtcd } from "@quorumkit/testing";
import { EtcdClient } from "@quorumkit/core";
import { describe, expect, it, vi } from "vitest";
import { statusWith } from "../src/transport/attempt.ts";
import { sumOfMetric } from "./support/metrics.ts";

/** Answers every call as a broken proxy might: OK, and no message. */
async function startEmptyServer(): Promise<Http2Server> {
  const server = createServer();
  server.on("stream", (stream: ServerHttp2Stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

it("an answer without a message is an error, of a write with unknown outcome", async () => {
  const server = await startEmptyServer();
  const { port } = server.address() as AddressInfo;
  const etcd = new EtcdClient({ endpoints: `http://127.0.0.1:${port}`, timeoutMs: 2_000 });
  await expect(etcd.put("a", "1")).rejects.toMatchObject({ name: "EtcdError", outcome: "unknown" });
  await expect(etcd.get("a")).rejects.toMatchObject({ name: "EtcdError" });
  await etcd.close();
  server.close();
});

it("a call that is aborted in the turn in which it was made ends at the server, too", async () => {
  await using server = await startEtcd();
  await using etcd = new EtcdClient({ endpoints: server.endpoints });
  const holder = await etcd.leases.grant({ ttlSeconds: 60 });
  await etcd.lockService.lock("held", { lease: holder.id });
  const waiting = await etcd.leases.grant({ ttlSeconds: 60 });
  for (let turns = 0; turns < 40; turns += 1) {
    const abort = new AbortController();
    const call = etcd.lockService.lock("held", { lease: waiting.id, signal: abort.signal });
    for (let each = 0; each < turns; each += 1) await Promise.resolve();
    if (turns % 8 === 7) await turn();
    abort.abort();
    await expect(call).rejects.toMatchObject({ code: "ABORTED" });
  }
  const label = 'grpc_service="v3lockpb.Lock"';
  await vi.waitFor(
    async () => {
      const started = await sumOfMetric(server, "grpc_server_started_total", label);
      expect(await sumOfMetric(server, "grpc_server_handled_total", label)).toBe(started);
    },
    { timeout: 10_000, interval: 100 },
  );
});

describe("a call that the server ended as its deadline passed", () => {
  const { CANCELLED, DEADLINE_EXCEEDED, UNAVAILABLE, OK } = status;
  it.each([
    { leftMs: 5, code: CANCELLED, is: DEADLINE_EXCEEDED },
    { leftMs: 0, code: CANCELLED, is: DEADLINE_EXCEEDED },
    { leftMs: -30, code: CANCELLED, is: DEADLINE_EXCEEDED },
    // With time left, somebody else has cancelled it.
    { leftMs: 5.1, code: CANCELLED, is: CANCELLED },
    { leftMs: 1_000, code: CANCELLED, is: CANCELLED },
    // What says more than that it was reset stays as it is.
    { leftMs: 0, code: UNAVAILABLE, is: UNAVAILABLE },
    { leftMs: 0, code: DEADLINE_EXCEEDED, is: DEADLINE_EXCEEDED },
    { leftMs: 1_000, code: DEADLINE_EXCEEDED, is: DEADLINE_EXCEEDED },
    { leftMs: -1, code: OK, is: OK },
  ])("with $leftMs ms left and status $code has failed with $is", ({ leftMs, code, is }) => {
    expect(statusWith(leftMs, code)).toBe(is);
  });
});
