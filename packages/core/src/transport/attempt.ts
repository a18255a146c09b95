import { Metadata, status, type ServiceError } from "@grpc/grpc-js";
import type { EtcdErrorCode } from "../errors/error-codes.ts";
import type { Outcome } from "../errors/etcd-error.ts";
import { meaningOf } from "../errors/server-errors.ts";
import { onAbort } from "../util/abort.ts";
import type { Endpoint } from "./endpoint.ts";
import type { UnaryRpc } from "./rpcs.ts";

/** How one sending of a call failed. */
export interface AttemptFailure {
  readonly code: EtcdErrorCode;
  readonly outcome: Outcome;
  /** Trying again, here later or elsewhere now, can help. */
  readonly temporary: boolean;
  /** The server's or transport's words. */
  readonly details: string;
  readonly cause: Error;
}

export type AttemptResult<Response> =
  | { readonly ok: true; readonly response: Response }
  | { readonly ok: false; readonly failure: AttemptFailure };

const PLAIN = new Metadata();
const REQUIRE_LEADER = new Metadata();
REQUIRE_LEADER.set("hasleader", "true");

/** Metadata of a call or stream. grpc-js clones it, so one object serves all. */
export function metadataFor({ requireLeader }: { readonly requireLeader: boolean }): Metadata {
  return requireLeader ? REQUIRE_LEADER : PLAIN;
}

/** Sends a call once, to one endpoint. Resolves in every case; `signal` cancels it. */
export async function attempt<Request, Response>(
  endpoint: Endpoint,
  rpc: UnaryRpc<Request, Response>,
  request: Request,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal | undefined },
): Promise<AttemptResult<Response>> {
  return new Promise((resolve) => {
    const { path, requestSerialize, responseDeserialize } = rpc.method;
    const call = endpoint.calls.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      metadataFor(rpc),
      { deadline: Date.now() + options.timeoutMs },
      (error, response) => {
        removeListener();
        if (error === null && response !== undefined) resolve({ ok: true, response });
        else resolve({ ok: false, failure: failureOf(error) });
      },
    );
    const removeListener = onAbort(options.signal, () => call.cancel());
  });
}

function failureOf(error: ServiceError | null): AttemptFailure {
  const cause = error ?? new Error("the server ended the call without an answer");
  const details = error?.details ?? cause.message;
  return { ...meaningOf(error?.code ?? status.INTERNAL, details), details, cause };
}
