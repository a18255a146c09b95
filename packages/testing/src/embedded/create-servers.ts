import { randomBytes } from "node:crypto";
import type { FaultBook } from "./faults/fault-book.ts";
import { MemberServer } from "./member-server.ts";
import type { ResolvedOptions } from "./options.ts";
import { Quorum } from "./quorum.ts";
import { allHandlers } from "./services/all.ts";
import type { SharedState } from "./shared-state.ts";

/** The servers of the members, over one state; none is started. */
export function createServers(
  options: ResolvedOptions,
  shared: SharedState,
  faults: FaultBook,
): MemberServer[] {
  const { version, host, port, maxRequestBytes, progressIntervalMs } = options;
  const servers: MemberServer[] = [];
  const quorum = new Quorum(servers, shared.leases, shared.clock);
  const work = allHandlers({ version, quorum, watch: { progressIntervalMs, maxRequestBytes } });
  for (let number = 0; number < options.members; number++) {
    servers.push(
      new MemberServer({
        id: randomId(),
        name: `etcd${number}`,
        host,
        port: port === 0 ? 0 : port + number,
        shared,
        quorum,
        faults,
        work,
        maxRequestBytes,
      }),
    );
  }
  quorum.onChange(() => {
    for (const server of servers) server.followQuorum();
  });
  shared.setMembers(
    servers.map(({ view }) => view),
    quorum,
  );
  return servers;
}

/** Ids are unsigned 64-bit numbers; half of the range keeps clients right that take them for signed ones. */
export function randomId(): bigint {
  return randomBytes(8).readBigUInt64BE() >> 1n;
}
