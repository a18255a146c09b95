import { once } from "node:events";
import type { LeaseKeepAliveRequest, LeaseKeepAliveResponseInput, Services } from "@quorumkit/proto";
import { AuthCall } from "../auth/auth-call.ts";
import { requirements } from "../auth/requirements.ts";
import { errors } from "../errors.ts";
import type { CallContext, MethodWork } from "./context.ts";

/** How long a member looks for a leader before it gives up: etcd's request timeout with its default settings. */
const requestTimeoutMs = 7000;
/** How often it looks: etcd's election timeout. */
const electionTimeoutMs = 1000;

/** So many requests wait before no more are read. */
const maxWaiting = 16;

type KeepAlive = MethodWork<Services["lease"]["leaseKeepAlive"]>;

/**
 * Renews the leases that a client names, one request at a time as etcd reads them. A lease that is not there is answered
 * with TTL 0.
 */
export const keepAlive: KeepAlive = (call, context) => {
  const { signal } = context;
  const waiting: LeaseKeepAliveRequest[] = [];
  let isBusy = false;
  let isEnding = false;

  const answer = async (request: LeaseKeepAliveRequest): Promise<void> => {
    const renewed = await renew(request, context);
    if (!signal.aborted && !call.write(renewed)) await drained(call, signal);
  };
  const work = async (): Promise<void> => {
    isBusy = true;
    try {
      for (let next = waiting.shift(); next && !signal.aborted; next = waiting.shift()) await answer(next);
      isBusy = false;
      if (isEnding) call.end();
      else call.resume();
    } catch (error) {
      waiting.length = 0;
      call.emit("error", error);
    }
  };

  call.on("data", (request: LeaseKeepAliveRequest) => {
    waiting.push(request);
    if (waiting.length >= maxWaiting) call.pause();
    if (!isBusy) void work();
  });
  call.on("end", () => {
    isEnding = true;
    if (!isBusy) call.end();
  });
};

async function renew(
  request: LeaseKeepAliveRequest,
  context: CallContext,
): Promise<LeaseKeepAliveResponseInput> {
  // The header is of before the renewal: what it says the lease outlived, it did. Source: v3rpc/lease.go, leaseKeepAlive.
  const header = context.state.header(context.member);
  if (context.member.cutOff) await findLeader(context);
  requirements.lease.leaseKeepAlive(new AuthCall(context), request);
  return { header, ID: request.ID, TTL: context.state.leases.keepAlive(request.ID) };
}

/** Renewals are the leader's to do. @throws {StatusError} no leader */
async function findLeader({ member, signal, state: { clock } }: CallContext): Promise<void> {
  const end = clock.now() + requestTimeoutMs;
  while (member.cutOff && !signal.aborted) {
    if (clock.now() >= end) throw errors.noLeader();
    await new Promise<void>((resolve) => {
      const stop = (): void => {
        cancel();
        signal.removeEventListener("abort", stop);
        resolve();
      };
      const cancel = clock.setTimeout(electionTimeoutMs, stop);
      signal.addEventListener("abort", stop);
    });
  }
}

async function drained(call: Parameters<KeepAlive>[0], signal: AbortSignal): Promise<void> {
  try {
    await once(call, "drain", { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
