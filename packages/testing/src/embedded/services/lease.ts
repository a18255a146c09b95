import type { Services } from "@quorumkit/proto";
import type { ServiceWork } from "./context.ts";
import { keepAlive } from "./keep-alive.ts";

/** The work behind etcd's Lease service. Who may do what here is told by `auth/requirements.ts`, before the work. */
export function leaseHandlers(): ServiceWork<Services["lease"]> {
  return {
    leaseGrant: ({ ID, TTL }, { state }) => {
      const { id, ttl } = state.leases.grant(ID, TTL);
      return { ID: id, TTL: ttl };
    },
    leaseRevoke: ({ ID }, { state }) => {
      state.leases.revoke(ID);
      return {};
    },
    leaseKeepAlive: keepAlive,
    leaseTimeToLive: ({ ID, keys }, { state }) => {
      const { ttl, grantedTtl, keys: attached } = state.leases.timeToLive(ID, keys);
      return { ID, TTL: ttl, grantedTTL: grantedTtl, keys: attached };
    },
    leaseLeases: (_, { state }) => ({ leases: state.leases.list().map((ID) => ({ ID })) }),
  };
}
