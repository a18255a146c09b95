import type { Metadata } from "@grpc/grpc-js";

/** Whether the client would rather have an error than an answer by a member without a leader. */
export function wantsLeader(metadata: Metadata): boolean {
  return metadata.get("hasleader")[0] === "true";
}
