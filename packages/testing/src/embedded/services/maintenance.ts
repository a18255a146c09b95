import { status } from "@grpc/grpc-js";
import { AlarmAction } from "@quorumkit/proto";
import type { Services, StatusResponseInput } from "@quorumkit/proto";
import { compareVersions, minorOf } from "../../version.ts";
import { StatusError, errors } from "../errors.ts";
import type { Quorum } from "../quorum.ts";
import type { CallContext, ServiceWork } from "./context.ts";

/** What bbolt takes for an empty database. */
const emptyDatabaseBytes = 20_480;
/** etcd's default for `--quota-backend-bytes`. */
const quotaBytes = 2n * 1024n ** 3n;

/** The work behind etcd's Maintenance service, as far as there is something to maintain. */
export function maintenanceHandlers(version: string, quorum: Quorum): ServiceWork<Services["maintenance"]> {
  const isFrom36 = compareVersions(version, "3.6.0") >= 0;
  return {
    status: (_request, context) => statusOf(context, version, isFrom36),
    hash: (_request, { state }) => ({ hash: state.store.hash() }),
    hashKV: ({ revision }, { state: { store } }) => ({
      hash: store.hash(revision),
      compactRevision: store.compactRevision,
      ...(isFrom36 && { hashRevision: revision > 0n ? revision : store.revision }),
    }),
    alarm: ({ action }) => {
      if (action === AlarmAction.ACTIVATE) throw unsupported("does not raise alarms");
      return { alarms: [] };
    },
    // Nothing to do, and like etcd's this answer has no header; nor has the one below.
    defragment: () => ({ header: null }),
    moveLeader: ({ targetID }, { state, member }) => {
      if (member.cutOff || state.leaderId !== member.id) throw errors.notLeader();
      quorum.moveTo(targetID);
      return { header: null };
    },
    downgrade: () => {
      throw unsupported("has no version to go down to");
    },
    snapshot: () => {
      throw unsupported("keeps nothing on disk, and so has no snapshot to give");
    },
  };
}

function statusOf({ state, member }: CallContext, version: string, isFrom36: boolean): StatusResponseInput {
  const { store, term, leaderId } = state;
  const size = BigInt(Math.max(emptyDatabaseBytes, store.sizeBytes()));
  // There is no Raft log; what matters to clients is that its index never goes back and grows with the writes.
  const raftIndex = store.revision + term + BigInt(state.members.length);
  return {
    version,
    dbSize: size,
    dbSizeInUse: size,
    leader: leaderId ?? 0n,
    raftIndex,
    raftAppliedIndex: raftIndex,
    raftTerm: term,
    errors: member.cutOff ? [errors.noLeader().details] : [],
    ...(isFrom36 && {
      storageVersion: `${minorOf(version)}.0`,
      dbSizeQuota: quotaBytes,
      downgradeInfo: { enabled: false },
    }),
  };
}

function unsupported(what: string): StatusError {
  return new StatusError(status.UNIMPLEMENTED, `the embedded etcd ${what}`);
}
