import { status } from "@grpc/grpc-js";
import { ServingStatus } from "@quorumkit/proto";
import type { Services } from "@quorumkit/proto";
import { StatusError } from "../errors.ts";
import type { Quorum } from "../quorum.ts";
import type { MemberView } from "../state.ts";
import type { ServiceWork } from "./context.ts";

/** The name that stands for the server as a whole, the only one etcd knows. */
const wholeServer = "";

/**
 * The work behind gRPC's health service. A member without a leader is not serving; a real one says so only over HTTP, at
 * `/health`.
 */
export function healthHandlers(quorum: Quorum): ServiceWork<Services["health"]> {
  return {
    check: ({ service }, { member }) => {
      if (service !== wholeServer) throw new StatusError(status.NOT_FOUND, "unknown service");
      return { status: statusOf(member) };
    },
    list: (_request, { member }) => ({ statuses: { [wholeServer]: { status: statusOf(member) } } }),
    watch: (call, { member, signal }) => {
      if (call.request.service !== wholeServer) {
        call.write({ status: ServingStatus.SERVICE_UNKNOWN });
        return;
      }
      let told = statusOf(member);
      call.write({ status: told });
      const stop = quorum.onChange(() => {
        if (statusOf(member) === told) return;
        told = statusOf(member);
        call.write({ status: told });
      });
      signal.addEventListener("abort", stop, { once: true });
    },
  };
}

function statusOf({ cutOff }: MemberView): ServingStatus {
  return cutOff ? ServingStatus.NOT_SERVING : ServingStatus.SERVING;
}
