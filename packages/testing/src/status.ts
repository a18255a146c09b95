import { httpCall } from "./http.ts";

/** What a member says of itself and its leader. */
export interface MemberStatus {
  readonly memberId: bigint;
  /** The member it follows; 0 when it knows no leader. */
  readonly leader: bigint;
  readonly term: bigint;
}

/** Asks a member over etcd's JSON gateway; `undefined` when it does not answer within a second. */
export async function memberStatus(endpoint: string): Promise<MemberStatus | undefined> {
  try {
    const { status, body } = await httpCall(`${endpoint}/v3/maintenance/status`, {
      method: "POST",
      json: {},
      timeoutMs: 1_000,
    });
    if (status !== 200) return undefined;
    // The gateway writes 64-bit integers as strings, and leaves zeros out.
    const answer = JSON.parse(body) as { header: { member_id: string }; leader?: string; raftTerm?: string };
    return {
      memberId: BigInt(answer.header.member_id),
      leader: BigInt(answer.leader ?? 0),
      term: BigInt(answer.raftTerm ?? 0),
    };
  } catch {
    return undefined;
  }
}
