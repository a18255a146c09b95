import { EmbeddedEtcd, startEtcd } from "@quorumkit/testing";
import { describe, expect, it, vi } from "vitest";
import { firstMismatch, show } from "../compare.ts";
import type { Plain } from "../normalise.ts";
import { SENT_EMPTY } from "../resolve.ts";
import { openWirePair } from "./pair.ts";
import { WireSide } from "./side.ts";
import type { WireStep } from "./steps.ts";

const KIB = 1024;

describe("the embedded server answers as etcd does on the wire", () => {
  it.each<[string, WireStep[]]>([
    [
      "to requests that are too large",
      [
        { call: "put", request: { key: "a", value: "x".repeat(1536 * KIB) } },
        { call: "put", request: { key: "a", value: "x".repeat(1535 * KIB) } },
        { call: "put", request: { key: "a", value: "x".repeat(2100 * KIB) } },
        {
          call: "txn",
          request: {
            success: [
              { requestPut: { key: "a", value: "x".repeat(800 * KIB) } },
              { requestPut: { key: "b", value: "x".repeat(800 * KIB) } },
            ],
          },
        },
      ],
    ],
    [
      "to an empty end of a range that is sent, which old releases read as none",
      [
        { stream: 0, create: { key: "a", rangeEnd: SENT_EMPTY } },
        { call: "put", request: { key: "b" } },
        { call: "range", request: { key: "a", rangeEnd: SENT_EMPTY } },
        {
          call: "txn",
          request: {
            compare: [{ key: "a", rangeEnd: SENT_EMPTY, target: 0, version: 1n }],
            success: [{ requestRange: { key: "a", rangeEnd: SENT_EMPTY } }],
            failure: [{ requestDeleteRange: { key: "a", rangeEnd: SENT_EMPTY } }],
          },
        },
        { call: "deleteRange", request: { key: "a", rangeEnd: SENT_EMPTY } },
        { settle: true },
      ],
    ],
    [
      "to a stream in another order than the keys', where its count is of what stands behind the last key sent",
      [
        ...["aa", "aa", "b", "c"].map((key): WireStep => ({ call: "put", request: { key } })),
        { rangeStream: { key: "a", rangeEnd: "d", limit: 1n, sortTarget: 1 } },
        { rangeStream: { key: "a", rangeEnd: "d", limit: 2n } },
        { rangeStream: { key: "a", rangeEnd: "d" } },
      ],
    ],
    [
      "to watches of revisions that do not fit into one answer",
      [
        { stream: 0, create: { key: "a", rangeEnd: "z", prevKv: true, fragment: true } },
        { stream: 0, create: { key: "a", rangeEnd: "z", prevKv: true } },
        ...["x", "y"].map((letter): WireStep => ({
          call: "txn",
          request: {
            success: ["a", "b", "c", "d"].map((key) => ({
              requestPut: { key, value: letter.repeat(350 * KIB) },
            })),
          },
        })),
        { settle: true },
      ],
    ],
  ])("%s", async (_title, steps) => {
    await using pair = await openWirePair();
    const mismatch = await firstMismatch(pair, steps);
    expect(mismatch, show(mismatch).slice(0, 5_000)).toBeUndefined();
  });

  it("when leases expire: each ends in one revision with all its keys", async () => {
    await using server = await startEtcd();
    await using twin = await EmbeddedEtcd.start({ version: server.version, quiet: true });
    const expire = async (endpoint: string, passTime: () => Promise<void>): Promise<Plain> => {
      const side = new WireSide(endpoint);
      try {
        await side.begin([{ stream: 0, progress: true }]);
        await side.run({ call: "leaseGrant", request: { ID: 1n, TTL: 1n } });
        for (const key of ["c", "a", "b"]) await side.run({ call: "put", request: { key, lease: 1n } });
        await side.run({ call: "leaseGrant", request: { ID: 2n, TTL: 300n } });
        await side.run({ call: "put", request: { key: "d", lease: 2n } });
        await passTime();
        const isGone = async (): Promise<void> => {
          const left = await side.run({ call: "leaseTimeToLive", request: { ID: 1n, keys: true } });
          expect(left).toMatchObject({ TTL: "-1" });
        };
        await vi.waitFor(isGone, { timeout: 20_000, interval: 50 });
        return await side.run({ settle: true });
      } finally {
        side.end();
        side.close();
      }
    };
    const etcd = await expire(server.endpoint, async () => {});
    const embedded = await expire(twin.endpoint, () => twin.advance(5_000));
    expect(embedded).toEqual(etcd);
    expect(show(etcd)).toContain("type: 1");
  });
});
