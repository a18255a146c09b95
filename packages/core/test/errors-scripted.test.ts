import { status, Server, ServerCredentials } from "@grpc/grpc-js";
import { services } from "@quorumkit/proto";
import { EtcdClient } from "@quorumkit/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

// What no etcd can be brought to say on demand, said by a server that says nothing else.
let say: { code: status; details: string };
let asked = 0;
const server = new Server();
let etcd: EtcdClient;
beforeAll(async () => {
  const answer = (_call: unknown, callback: (error: typeof say) => void): void => {
    asked += 1;
    callback(say);
  };
  server.addService(services.kv, {
    range: answer,
    put: answer,
    deleteRange: answer,
    txn: answer,
    compact: answer,
    rangeStream: () => {},
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  etcd = new EtcdClient({ endpoints: `http://127.0.0.1:${port}`, timeoutMs: 1_000 });
});
afterAll(async () => {
  await etcd.close();
  server.forceShutdown();
});

/** Also old servers, which send some of their texts with the code UNKNOWN. */
const cases = [
  {
    code: "TOO_MANY_REQUESTS",
    details: "etcdserver: too many requests",
    grpc: status.RESOURCE_EXHAUSTED,
    outcome: "notApplied",
    repeated: true,
  },
  {
    code: "CORRUPT",
    details: "etcdserver: corrupt cluster",
    grpc: status.DATA_LOSS,
    outcome: "notApplied",
    repeated: false,
  },
  {
    code: "UNAVAILABLE",
    details: "etcdserver: leader changed",
    grpc: status.UNAVAILABLE,
    outcome: "unknown",
    repeated: false,
  },
  {
    code: "UNAVAILABLE",
    details: "etcdserver: request timed out, possibly due to previous leader failure",
    grpc: status.UNAVAILABLE,
    outcome: "unknown",
    repeated: false,
  },
  {
    code: "NO_SPACE",
    details: "etcdserver: mvcc: database space exceeded",
    grpc: status.UNKNOWN,
    outcome: "notApplied",
    repeated: false,
  },
  {
    code: "INTERNAL",
    details: "something nobody has heard of",
    grpc: status.UNKNOWN,
    outcome: "unknown",
    repeated: false,
  },
] as const;

describe("a write that is answered", () => {
  it.each(cases)("$details is $code, $outcome", async ({ code, details, grpc, outcome, repeated }) => {
    say = { code: grpc, details };
    asked = 0;
    await expect(etcd.put("a", "b")).rejects.toMatchObject({ code, outcome });
    expect(asked > 1).toBe(repeated);
  });
});
