import { status } from "@grpc/grpc-js";
import type { MemberInput, ResponseHeaderInput, Services } from "@quorumkit/proto";
import { StatusError } from "../errors.ts";
import type { MemberView } from "../state.ts";
import type { CallContext, ServiceWork } from "./context.ts";

/** The work behind etcd's Cluster service: who the members are, which never changes. */
export function clusterHandlers(): ServiceWork<Services["cluster"]> {
  return {
    memberList: (_request, context) => ({
      header: header(context),
      members: context.state.members.map(toMember),
    }),
    memberAdd: refuse,
    memberRemove: refuse,
    memberUpdate: refuse,
    memberPromote: refuse,
  };
}

/** This service's headers have no revision. Source: etcd, server/etcdserver/api/v3rpc/member.go. */
function header({ state, member }: CallContext): ResponseHeaderInput {
  return state.header(member, 0n);
}

/** Members talk to each other inside the process, so there are no peer URLs; clients expect one, and get the client URL. */
function toMember({ id, name, endpoint }: MemberView): MemberInput {
  return { ID: id, name, peerURLs: [endpoint], clientURLs: [endpoint] };
}

function refuse(): never {
  throw new StatusError(
    status.UNIMPLEMENTED,
    "the embedded etcd cannot change its members: start it with as many as needed",
  );
}
