import type { Member as WireMember } from "@quorumkit/proto";
import { EtcdError } from "../errors/etcd-error.ts";
import { CALL_OPTIONS, type CallOptions } from "../transport/call-options.ts";
import type { Connection } from "../transport/connection.ts";
import * as rpcs from "../transport/rpcs.ts";
import { booleanOption, refuseUnknown } from "../util/validate.ts";
import { type Member, memberId, peerUrlsOption, toMember } from "./member.ts";

export interface MemberListOptions extends CallOptions {
  /**
   * Ask the quorum. Without, the asked member tells what it knows, which may be old but works without a quorum. etcd 3.4
   * always does the latter.
   *
   * @default true
   */
  readonly linearizable?: boolean | undefined;
}

export interface MemberAddOptions extends CallOptions {
  /** Where the other members will reach the new one: its `--initial-advertise-peer-urls`. */
  readonly peerUrls: readonly string[];
  /**
   * Add it without a vote. It catches up first and is then promoted, so that the quorum never counts a member that is
   * not there yet.
   *
   * @default false
   */
  readonly isLearner?: boolean | undefined;
}

export interface MemberUpdateOptions extends CallOptions {
  /** The new addresses for the other members; the old ones are forgotten. */
  readonly peerUrls: readonly string[];
}

export interface MemberAddResult {
  /** The new member. Its process is to be started now, with `--initial-cluster-state=existing`. */
  readonly member: Member;
  /** All members, with the new one. */
  readonly members: readonly Member[];
}

/**
 * The members of the cluster. Changes are never sent twice: when the answer is lost the error's `outcome` is `unknown`,
 * and the list tells what became of it. etcd refuses a change with `FAILED_PRECONDITION` when too few members would be
 * connected afterwards.
 */
export class Cluster {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** All members, learners included. */
  async memberList(options: MemberListOptions = {}): Promise<readonly Member[]> {
    refuseUnknown(options, ["linearizable", ...CALL_OPTIONS], "memberList");
    const linearizable = booleanOption(options.linearizable, "linearizable", true);
    const rpc = linearizable ? rpcs.memberList : rpcs.serializableMemberList;
    return toMembers(await this.#connection.unary(rpc, { linearizable }, options));
  }

  /** Makes room for a member, which then has to be started. */
  async memberAdd(options: MemberAddOptions): Promise<MemberAddResult> {
    refuseUnknown(options, ["peerUrls", "isLearner", ...CALL_OPTIONS], "memberAdd");
    const request = {
      peerURLs: [...peerUrlsOption(options.peerUrls)],
      isLearner: booleanOption(options.isLearner, "isLearner"),
    };
    const response = await this.#connection.unary(rpcs.memberAdd, request, options);
    if (response.member === null) throw new EtcdError("PROTOCOL", "MemberAdd came back without the member");
    return { member: toMember(response.member), members: toMembers(response) };
  }

  /** Removes a member; it stops by itself. Gives those that are left. `NOT_FOUND` when there is none with this id. */
  async memberRemove(id: bigint, options: CallOptions = {}): Promise<readonly Member[]> {
    refuseUnknown(options, CALL_OPTIONS, "memberRemove");
    return toMembers(await this.#connection.unary(rpcs.memberRemove, { ID: memberId(id, "id") }, options));
  }

  /**
   * Tells the cluster that a member has moved. Gives all members. Not for a learner before etcd 3.6: it could not be
   * promoted any more, and would have to be removed and added again.
   */
  async memberUpdate(id: bigint, options: MemberUpdateOptions): Promise<readonly Member[]> {
    refuseUnknown(options, ["peerUrls", ...CALL_OPTIONS], "memberUpdate");
    const request = { ID: memberId(id, "id"), peerURLs: [...peerUrlsOption(options.peerUrls)] };
    return toMembers(await this.#connection.unary(rpcs.memberUpdate, request, options));
  }

  /** Gives a learner its vote. `FAILED_PRECONDITION` while it has not caught up with the leader. Gives all members. */
  async memberPromote(id: bigint, options: CallOptions = {}): Promise<readonly Member[]> {
    refuseUnknown(options, CALL_OPTIONS, "memberPromote");
    return toMembers(await this.#connection.unary(rpcs.memberPromote, { ID: memberId(id, "id") }, options));
  }
}

function toMembers({ members }: { readonly members: readonly WireMember[] }): readonly Member[] {
  return members.map(toMember);
}
