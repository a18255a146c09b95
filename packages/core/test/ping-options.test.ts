import { EtcdClient, type PingOptions } from "@quorumkit/core";
import { describe, expect, it } from "vitest";
import { resolveOptions } from "../src/options.ts";
import { ClusterConnection } from "../src/transport/cluster-connection.ts";

describe("pings", () => {
  it("are refused below what etcd bears", () => {
    const cases: [unknown, RegExp][] = [
      [{ everyMs: 9_999 }, /pings\.everyMs must be a number between 10000 and \d+, received 9999/],
      [{ timeoutMs: 999 }, /pings\.timeoutMs must be a number between 1000 and/],
      [{ every: 1 }, /pings: unknown option "every"/],
    ];
    for (const [pings, message] of cases) {
      expect(() => new EtcdClient({ endpoints: "a:1", pings: pings as PingOptions })).toThrow(TypeError);
      expect(() => new EtcdClient({ endpoints: "a:1", pings: pings as PingOptions })).toThrow(message);
    }
    expect(resolveOptions({ endpoints: "a:1" }).pings).toEqual({ everyMs: 10_000, timeoutMs: 5_000 });
  });

  it("are what the channels are made with", () => {
    const pings = { everyMs: 12_000, timeoutMs: 2_000 };
    const connection = new ClusterConnection(resolveOptions({ endpoints: "127.0.0.1:1", pings }));
    try {
      const [endpoint] = connection.endpoints;
      for (const client of [endpoint?.calls, endpoint?.streams]) {
        expect(client?.getChannel()).toMatchObject({
          internalChannel: {
            options: { "grpc.keepalive_time_ms": 12_000, "grpc.keepalive_timeout_ms": 2_000 },
          },
        });
      }
    } finally {
      connection.close();
    }
  });
});
