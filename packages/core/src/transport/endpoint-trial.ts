import { status } from "@grpc/grpc-js";
import { meaningOf } from "../errors/server-errors.ts";
import { ask } from "./ask.ts";
import { metadataFor } from "./attempt.ts";
import { checkHealth } from "./endpoint-health.ts";
import type { Endpoint } from "./endpoint.ts";
import { memberList } from "./rpcs.ts";

/** What a trial showed. `answers`: somebody is there, but whether calls would get anywhere is open. */
export type Trial =
  | { readonly verdict: "works" | "answers" }
  | {
      readonly verdict: "fails";
      readonly reason: string;
      /** It said so itself. */ readonly answered: boolean;
    };

/**
 * Finds out whether an endpoint works, so that no call has to. A health check passes on a member whose calls hang or that
 * has no leader, so where calls failed for such a reason the proof is a linearizable call: the member list, which needs no
 * permission, and on some versions a login. (etcd 3.4 answers it from its own memory, but not without a leader.)
 */
export async function tryOut(
  endpoint: Endpoint,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<Trial> {
  const deadline = performance.now() + timeoutMs;
  await endpoint.refresh("calls");
  const client = endpoint.calls;
  const health = await checkHealth(client, { timeoutMs, signal });
  if (!health.healthy) return { verdict: "fails", reason: health.reason, answered: health.answered };
  if (!endpoint.needsProof) return { verdict: "works" };
  const answer = await ask(
    client,
    memberList.method,
    { linearizable: true },
    {
      metadata: metadataFor(memberList, endpoint.token),
      timeoutMs: deadline - performance.now(),
      signal,
    },
  );
  if (!(answer instanceof Error)) return { verdict: "works" };
  // Refused for want of a login, or unknown to whatever stands there.
  return meaningOf(answer.code, answer.details).temporary
    ? { verdict: "fails", reason: answer.details, answered: answer.code !== status.DEADLINE_EXCEEDED }
    : { verdict: "answers" };
}
