import { status } from "@grpc/grpc-js";
import { AlarmAction } from "@quorumkit/proto";
import { StatusError } from "../errors.ts";
import type { AuthCall } from "./auth-call.ts";
import type { Requirements } from "./requirement.ts";
import { electionRequirements, lockRequirements } from "./recipe-permissions.ts";

const nothing = (): void => {};
const root = (call: AuthCall): void => call.requireRoot();
const user = (call: AuthCall): void => call.requireUser();

const INNER_TEXT_PREFIX = "auth: ";
const INNER_TEXTS: Readonly<Record<string, string>> = { "user name not found": "user not found" };

/** The role `root`, refused as 3.5 does it in maintenance: it forgets to turn the inner error into the one for clients. */
const rootOrInnerError = (call: AuthCall): void => {
  try {
    call.requireRoot();
  } catch (error) {
    if (!call.auth.rules.refusalsAreRaw || !(error instanceof StatusError)) throw error;
    const text = error.details.replace("etcdserver: ", "");
    throw new StatusError(status.UNKNOWN, INNER_TEXT_PREFIX + (INNER_TEXTS[text] ?? text));
  }
};

/**
 * What each RPC needs, by etcd's sources: `server/etcdserver/v3_server.go`, `server.go`, `apply/apply_auth.go` and
 * `api/v3rpc/*.go`. Nothing is needed while authentication is off.
 */
export const requirements: Requirements = {
  auth: {
    authEnable: root,
    authDisable: root,
    authStatus: (call) => {
      if (call.auth.rules.authStatusNeedsRoot) call.requireRoot();
      else call.identity();
    },
    authenticate: nothing,
    userAdd: root,
    userGet: (call, { name }) => {
      const identity = call.identity();
      if (name !== (identity?.user ?? "")) call.auth.requireRoot(identity);
    },
    userList: root,
    userDelete: root,
    userChangePassword: root,
    userGrantRole: root,
    userRevokeRole: root,
    roleAdd: root,
    roleGet: (call, { role }) => {
      const identity = call.identity();
      if (identity === undefined || !call.auth.hasRole(identity.user, role)) call.auth.requireRoot(identity);
    },
    roleList: root,
    roleDelete: root,
    roleGrantPermission: root,
    roleRevokePermission: root,
  },
  cluster: {
    memberAdd: root,
    memberRemove: root,
    memberUpdate: root,
    memberList: user,
    memberPromote: root,
  },
  kv: { compact: root },
  lease: {
    leaseGrant: user,
    leaseRevoke: (call, { ID }) => {
      call.requireUser();
      call.access().writeEach(call.leases.keysOf(ID));
    },
    leaseKeepAlive: (call, { ID }) => {
      call.requireUser();
      call.access().writeEach(call.leases.keysOf(ID));
    },
    leaseTimeToLive: (call, { ID, keys }) => {
      call.requireUser();
      if (keys) call.access().readEach(call.leases.keysOf(ID));
    },
    leaseLeases: (call) => {
      call.requireUser();
      for (const id of call.leases.list()) call.access().readEach(call.leases.keysOf(id));
    },
  },
  maintenance: {
    alarm: (call, { action }) => {
      if (action === AlarmAction.GET) call.requireUser();
      else call.requireRoot();
    },
    status: (call) => {
      if (call.auth.rules.statusNeedsRoot) call.requireRoot();
      else call.requireUser();
    },
    defragment: rootOrInnerError,
    hash: rootOrInnerError,
    hashKV: rootOrInnerError,
    snapshot: rootOrInnerError,
    moveLeader: root,
    downgrade: root,
  },
  lock: lockRequirements,
  election: electionRequirements,
};
