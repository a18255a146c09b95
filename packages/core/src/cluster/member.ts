import type { Member as WireMember } from "@quorumkit/proto";
import { printable } from "../kv/printable.ts";
import { describe } from "../util/validate.ts";

/** One member of the cluster, as the cluster knows it. */
export interface Member {
  readonly id: bigint;
  /** Empty until the member has started for the first time. */
  readonly name: string;
  /** Where the other members reach it. */
  readonly peerUrls: readonly string[];
  /** Where it says that clients reach it; empty until it has started for the first time. */
  readonly clientUrls: readonly string[];
  /** It gets all data but has no vote, and refuses most calls. */
  readonly isLearner: boolean;
}

export function toMember(wire: WireMember): Member {
  return printable({
    id: wire.ID,
    name: wire.name,
    peerUrls: wire.peerURLs,
    clientUrls: wire.clientURLs,
    isLearner: wire.isLearner,
  });
}

const MAX_UINT64 = 2n ** 64n - 1n;

/** A member's id; unlike leases and revisions these are unsigned, and half of them have the highest bit. */
export function memberId(value: bigint, name = "memberId"): bigint {
  if (typeof value !== "bigint" || value <= 0n || value > MAX_UINT64)
    throw new TypeError(
      `${name} must be a bigint between 1n and 2n ** 64n - 1n, received ${describe(value)}`,
    );
  return value;
}

export function peerUrlsOption(value: readonly string[]): readonly string[] {
  if (!Array.isArray(value) || value.length === 0)
    throw new TypeError(`peerUrls must be a non-empty array of URLs, received ${describe(value)}`);
  const urls: readonly unknown[] = value;
  const wrong = urls.find((each) => typeof each !== "string" || !URL.canParse(each));
  if (wrong !== undefined) throw new TypeError(`peerUrls must be URLs, received ${describe(wrong)}`);
  return value as readonly string[];
}
