import { status } from "@grpc/grpc-js";
import { StatusError } from "../errors.ts";
import type { AuthAccess } from "./auth-access.ts";
import type { AuthCall } from "./auth-call.ts";
import type { Requirements } from "./requirement.ts";

const ONE_KEY = new Uint8Array();
const SLASH = Buffer.from("/");
const FIRST_AFTER_SLASH = Buffer.from("0");

/** etcd's lock service is a client of its own server, with the token of the caller, so it needs what that client's requests need. */
export const lockRequirements: Requirements["lock"] = {
  lock: (call, { name, lease }) => asInnerClient(call, (access) => queue(access, call, name, lease)),
  unlock: (call, { key }) => asInnerClient(call, (access) => access.write({ key, rangeEnd: ONE_KEY })),
};

/** As {@link lockRequirements}. */
export const electionRequirements: Requirements["election"] = {
  campaign: (call, { name, lease }) => asInnerClient(call, (access) => queue(access, call, name, lease)),
  proclaim: (call, { leader }) => {
    if (leader === null) return;
    const span = { key: leader.key, rangeEnd: ONE_KEY };
    asInnerClient(call, (access) => {
      access.read(span);
      access.write(span);
      access.writeEach(call.leases.keysOf(leader.lease));
    });
  },
  leader: (call, { name }) => asInnerClient(call, (access) => access.read(under(name))),
  // What may not be read is not an error there: the stream ends.
  observe: () => {},
  resign: (call, { leader }) => {
    if (leader === null) return;
    const span = { key: leader.key, rangeEnd: ONE_KEY };
    asInnerClient(call, (access) => {
      access.read(span);
      access.write(span);
    });
  },
};

/** The transaction with which a key joins the queue under a name, of etcd's `concurrency` package. */
function queue(access: AuthAccess, call: AuthCall, name: Uint8Array, lease: bigint): void {
  const key = Buffer.concat([name, SLASH, Buffer.from(BigInt.asUintN(64, lease).toString(16))]);
  access.read({ key, rangeEnd: ONE_KEY });
  access.write({ key, rangeEnd: ONE_KEY });
  access.writeEach(call.leases.keysOf(lease));
  access.read(under(name));
}

function under(name: Uint8Array): { readonly key: Uint8Array; readonly rangeEnd: Uint8Array } {
  return { key: Buffer.concat([name, SLASH]), rangeEnd: Buffer.concat([name, FIRST_AFTER_SLASH]) };
}

/** The errors of the inner client lose their codes on the way out. */
function asInnerClient(call: AuthCall, check: (access: AuthAccess) => void): void {
  try {
    check(call.access());
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    throw new StatusError(status.UNKNOWN, error.details);
  }
}
