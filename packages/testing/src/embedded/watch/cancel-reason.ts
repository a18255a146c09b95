import { status } from "@grpc/grpc-js";
import { errors, StatusError } from "../errors.ts";

/**
 * Why a watch was refused, in etcd's words: the text of a gRPC error as Go prints it. What is not about the caller's
 * identity counts as a permission that is missing. Source: v3rpc/watch.go, recvLoop.
 */
export function refusal(error: unknown): string {
  const isKnown =
    error instanceof StatusError &&
    (error.code === status.UNAUTHENTICATED || error.code === status.INVALID_ARGUMENT);
  const { code, details } = isKnown ? error : errors.permissionDenied();
  return `rpc error: code = ${goName(code)} desc = ${details}`;
}

/** PERMISSION_DENIED is PermissionDenied in Go. */
function goName(code: status): string {
  return status[code]
    .split("_")
    .map((word) => word.slice(0, 1) + word.slice(1).toLowerCase())
    .join("");
}
