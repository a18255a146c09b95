import { Metadata, type ClientDuplexStream } from "@grpc/grpc-js";
import { rpcs, type LeaseKeepAliveRequestInput, type LeaseKeepAliveResponse } from "@quorumkit/proto";
import { describe, expect, it } from "vitest";
import { errors } from "../../src/embedded/errors.ts";
import { StreamServer } from "./stream-server.ts";

type Call = ClientDuplexStream<LeaseKeepAliveRequestInput, LeaseKeepAliveResponse>;

function keepAlive(server: StreamServer): {
  call: Call;
  answers: [bigint, bigint, bigint | undefined][];
  over: Promise<{ code: number; details: string }>;
} {
  const { path, requestSerialize, responseDeserialize } = rpcs.lease.leaseKeepAlive;
  const call = server.client.makeBidiStreamRequest(
    path,
    requestSerialize,
    responseDeserialize,
    new Metadata(),
  );
  const answers: [bigint, bigint, bigint | undefined][] = [];
  call.on("data", ({ ID, TTL, header }: LeaseKeepAliveResponse) => answers.push([ID, TTL, header?.revision]));
  call.on("error", () => undefined);
  const over = new Promise<{ code: number; details: string }>((resolve) => call.on("status", resolve));
  return { call, answers, over };
}

describe("the keep-alive stream", () => {
  it("renews many leases in the order of the requests, and answers 0 for one that is not there", async () => {
    const server = await StreamServer.start();
    server.leases.grant(1n, 10n);
    server.leases.grant(2n, 20n);
    const { call, answers, over } = keepAlive(server);
    await server.clock.advance(9000);
    for (const ID of [2n, 9n, 1n, 2n, 1n]) call.write({ ID });
    call.end();
    expect((await over).code).toBe(0);
    expect(answers).toEqual([
      [2n, 20n, 1n],
      [9n, 0n, 1n],
      [1n, 10n, 1n],
      [2n, 20n, 1n],
      [1n, 10n, 1n],
    ]);
    await server.clock.advance(9000);
    expect(server.leases.list()).toEqual([1n, 2n]);
  });

  it("answers thousands of requests that come at once", async () => {
    const server = await StreamServer.start();
    server.leases.grant(1n, 10n);
    const { call, answers, over } = keepAlive(server);
    for (let i = 0; i < 3000; i++) call.write({ ID: BigInt(i % 2) });
    call.end();
    expect((await over).code).toBe(0);
    expect(answers).toHaveLength(3000);
    expect(answers.every(([id, ttl], i) => id === BigInt(i % 2) && ttl === (id === 1n ? 10n : 0n))).toBe(
      true,
    );
  });

  it("ends with the error of a client that may not renew", async () => {
    const server = await StreamServer.start();
    server.leases.grant(1n, 10n);
    server.leases.attach(1n, Buffer.from("a"));
    server.mayUse = () => {
      throw errors.permissionDenied();
    };
    const { call, over } = keepAlive(server);
    call.write({ ID: 1n });
    expect(await over).toMatchObject({ code: 7, details: "etcdserver: permission denied" });
  });

  it("waits for the leader of a member that is cut off, and then answers all, a client's end of requests or not", async () => {
    const server = await StreamServer.start();
    server.leases.grant(1n, 60n);
    server.member.cutOff = true;
    const [first, second] = [keepAlive(server), keepAlive(server)];
    for (let i = 0; i < 100; i++) first.call.write({ ID: 1n });
    for (let i = 0; i < 10; i++) second.call.write({ ID: 1n });
    second.call.end();
    // Of the first stream no more is read than one request that is worked on and 16 that wait.
    await expect.poll(() => server.keepAlives).toEqual({ requests: 27, ends: 1 });
    await server.clock.advance(5000);
    expect(first.answers).toEqual([]);
    server.member.cutOff = false;
    await server.clock.advance(1000);
    expect((await second.over).code).toBe(0);
    expect(second.answers).toHaveLength(10);
    await expect.poll(() => first.answers.length).toBe(100);
  });

  it("gives up waiting for a leader after etcd's request timeout", async () => {
    const server = await StreamServer.start();
    server.member.cutOff = true;
    const { call, over } = keepAlive(server);
    call.write({ ID: 1n });
    await expect.poll(() => server.keepAlives.requests).toBe(1);
    await server.clock.advance(8000);
    expect(await over).toMatchObject({ code: 14, details: "etcdserver: no leader" });
  });
});
