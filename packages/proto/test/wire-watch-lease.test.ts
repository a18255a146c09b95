import { expect, test } from "vitest";
import { rpcs, services } from "@quorumkit/proto";
import { request, response, wireCase } from "./wire-case.ts";

const k = Buffer.from("k");
const l = Buffer.from("l");
const minusOne = "ffffffffffffffffff01";
const watchRequest = request(rpcs.watch.watch, services.watch.watch);

const cases = [
  wireCase(
    "WatchCreateRequest",
    watchRequest,
    {
      createRequest: {
        key: k,
        rangeEnd: l,
        startRevision: 7n,
        progressNotify: true,
        filters: [0, 1],
        prevKv: true,
        watchId: 8n,
        fragment: true,
      },
    },
    "0a14 0a016b 12016c 1807 2001 2a020001 3001 3808 4001",
  ),
  wireCase("WatchCancelRequest", watchRequest, { cancelRequest: { watchId: 8n } }, "1202 0808"),
  wireCase("WatchProgressRequest", watchRequest, { progressRequest: {} }, "1a00"),
  wireCase(
    "WatchResponse and Event",
    response(services.watch.watch, rpcs.watch.watch),
    {
      header: { revision: 3n },
      watchId: -1n,
      created: true,
      canceled: true,
      compactRevision: 9n,
      cancelReason: "x",
      fragment: true,
      events: [{ type: 1, kv: { key: k }, prevKv: { key: k } }],
    },
    `0a02 1803 10${minusOne} 1801 2001 2809 320178 3801 5a0c 0801 1203 0a016b 1a03 0a016b`,
  ),
  wireCase(
    "LeaseGrantRequest",
    request(rpcs.lease.leaseGrant, services.lease.leaseGrant),
    { TTL: 10n, ID: 7n },
    "080a 1007",
  ),
  wireCase(
    "LeaseGrantResponse",
    response(services.lease.leaseGrant, rpcs.lease.leaseGrant),
    { header: { revision: 3n }, ID: 7n, TTL: 10n, error: "x" },
    "0a02 1803 1007 180a 220178",
  ),
  wireCase(
    "LeaseRevokeRequest",
    request(rpcs.lease.leaseRevoke, services.lease.leaseRevoke),
    { ID: 7n },
    "0807",
  ),
  wireCase(
    "LeaseKeepAliveRequest",
    request(rpcs.lease.leaseKeepAlive, services.lease.leaseKeepAlive),
    { ID: 7n },
    "0807",
  ),
  wireCase(
    "LeaseKeepAliveResponse",
    response(services.lease.leaseKeepAlive, rpcs.lease.leaseKeepAlive),
    { ID: 7n, TTL: 10n },
    "1007 180a",
  ),
  wireCase(
    "LeaseTimeToLiveRequest",
    request(rpcs.lease.leaseTimeToLive, services.lease.leaseTimeToLive),
    { ID: 7n, keys: true },
    "0807 1001",
  ),
  wireCase(
    "LeaseTimeToLiveResponse",
    response(services.lease.leaseTimeToLive, rpcs.lease.leaseTimeToLive),
    { ID: 7n, TTL: -1n, grantedTTL: 11n, keys: [k] },
    `1007 18${minusOne} 200b 2a016b`,
  ),
  wireCase(
    "LeaseLeasesResponse",
    response(services.lease.leaseLeases, rpcs.lease.leaseLeases),
    { leases: [{ ID: 7n }] },
    "1202 0807",
  ),
];

test.each(cases)("$name", ({ input, hex, encode, decode }) => {
  expect(encode()).toBe(hex);
  expect(decode()).toMatchObject(input);
});
