import type { ServiceMethod, Services } from "@quorumkit/proto";
import type { AuthCall } from "./auth-call.ts";

/**
 * Lets a request pass, or not.
 * @throws StatusError when the caller may not do it, or cannot be told from the token.
 */
type Requirement<Request> = (call: AuthCall, request: Request) => void;

/**
 * What each RPC needs, but for those that look after it by themselves: reads and writes, once their form was checked (see
 * `kv/permissions.ts`), a watch for each one that is created, and health, which needs nothing. Of a stream that the client
 * writes to, every message is a request.
 */
export type Requirements = {
  readonly [Service in Exclude<keyof Services, "kv" | "watch" | "health">]: RequirementsOf<Services[Service]>;
} & {
  readonly kv: Pick<RequirementsOf<Services["kv"]>, "compact">;
};

type RequirementsOf<Service> = {
  readonly [Method in keyof Service]: Service[Method] extends ServiceMethod<infer Request, infer _>
    ? Requirement<Request>
    : never;
};
