import { Client, Metadata, Server, ServerCredentials, credentials } from "@grpc/grpc-js";
import { afterEach, beforeEach, expect, test } from "vitest";
import { rpcs, services } from "@quorumkit/proto";
import type { PutResponse, ServiceHandlers, WatchRequest, WatchResponse } from "@quorumkit/proto";

let server: Server;
let client: Client;

beforeEach(async () => {
  server = new Server();
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
});

afterEach(() => {
  client.close();
  server.forceShutdown();
});

test("the method objects serve both ends of a unary call", async () => {
  const handlers: Pick<ServiceHandlers<typeof services.kv>, "put"> = {
    put: ({ request }, callback) => callback(null, { prevKv: { key: request.key, lease: request.lease } }),
  };
  server.addService(services.kv, handlers);

  const { path, requestSerialize, responseDeserialize } = rpcs.kv.put;
  const answer = await new Promise<PutResponse | undefined>((resolve, reject) => {
    const request = { key: Buffer.from("k"), lease: 2n ** 63n - 1n };
    client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      new Metadata(),
      (error, value) => {
        if (error === null) resolve(value);
        else reject(error);
      },
    );
  });
  expect(answer?.prevKv).toMatchObject({ key: Buffer.from("k"), lease: 2n ** 63n - 1n });
});

test("the method objects serve both ends of a stream", async () => {
  const handlers: ServiceHandlers<typeof services.watch> = {
    watch: (call) => {
      call.on("data", ({ createRequest }: WatchRequest) => {
        call.write({ watchId: createRequest?.watchId, created: true });
      });
      call.on("end", () => call.end());
    },
  };
  server.addService(services.watch, handlers);

  const { path, requestSerialize, responseDeserialize } = rpcs.watch.watch;
  const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  stream.write({ createRequest: { watchId: 5n } });
  stream.write({ createRequest: { watchId: 6n } });
  stream.end();
  const answers: WatchResponse[] = [];
  for await (const answer of stream) answers.push(answer as WatchResponse);
  expect(answers).toMatchObject([
    { watchId: 5n, created: true, events: [] },
    { watchId: 6n, created: true, events: [] },
  ]);
});
