import type { LeaseRevokeRequest, LeaseRevokeResponseInput } from "./gen/types.ts";
import type { ServiceMethod } from "./method.ts";

/** No double holds this number, so it survives only where no step goes through `number`. */
const probe = 2n ** 53n + 1n;

function describe(value: unknown): string {
  return value instanceof Error ? String(value) : `${typeof value} ${String(value)}`;
}

/**
 * protobufjs before 7.6 does not know bigint: depending on its version it writes every one as 0, without a word, or
 * decodes to its own `Long` objects. All leases, revisions and compares would be wrong, so better not to start.
 *
 * @throws Error when a bigint does not come back as it went in.
 */
export function checkBigInt(method: ServiceMethod<LeaseRevokeRequest, LeaseRevokeResponseInput>): void {
  let found: unknown;
  try {
    found = method.requestDeserialize(method.requestSerialize({ ID: probe })).ID;
  } catch (error) {
    found = error;
  }
  if (found === probe) return;
  throw new Error(
    `@quorumkit/proto needs protobufjs 7.6.0 or later, which encodes bigint: bigint ${probe} came back as ${describe(found)}. ` +
      `An older protobufjs is installed for @grpc/proto-loader; ` +
      `run "npm ls protobufjs" and update or remove what pins it (also look for "overrides" or "resolutions").`,
  );
}
