import type { AuthCall } from "../auth/auth-call.ts";
import { requirements } from "../auth/requirements.ts";
import type { ServedCall } from "./host.ts";

type Requirement = (call: AuthCall, request: object) => void;

/**
 * What is asked of the caller before the work; `undefined`: nothing, or the work itself asks. That is so for reads and
 * writes, which are looked at for their form first, and where requests come one by one on a stream.
 */
export function requirementOf({ service, method }: ServedCall): Requirement | undefined {
  if (service === "health" || (service === "kv" && method !== "compact")) return undefined;
  const all = requirements as unknown as Readonly<Record<string, Readonly<Record<string, Requirement>>>>;
  return all[service]?.[method];
}
