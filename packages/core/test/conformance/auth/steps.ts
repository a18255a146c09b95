import type { Rpcs } from "@quorumkit/proto";
import type { Sketch } from "../resolve.ts";

/** The calls with one request and one answer that sequences are made of. */
export type AuthCalls = Rpcs["auth"] &
  Pick<Rpcs["kv"], "range" | "put" | "deleteRange" | "txn" | "compact"> &
  Pick<Rpcs["lease"], "leaseGrant" | "leaseRevoke" | "leaseTimeToLive" | "leaseLeases"> &
  Pick<Rpcs["cluster"], "memberList"> &
  Pick<Rpcs["maintenance"], "alarm">;

type RequestOf<Method> = Method extends { readonly requestSerialize: (value: infer Request) => Buffer }
  ? Request
  : never;

type AuthCall = {
  readonly [Name in keyof AuthCalls]: {
    readonly call: Name;
    readonly request: Sketch<RequestOf<AuthCalls[Name]>>;
  };
}[keyof AuthCalls];

/** What is done, and with whose token: that of the last login under the name; without a name, with none. */
export type AuthStep = { readonly as?: string } & (
  | AuthCall
  /** A watch of its own stream: what it is answered first. */
  | { readonly watch: { readonly key: string; readonly rangeEnd?: string } }
  | { readonly keepAlive: bigint }
);
