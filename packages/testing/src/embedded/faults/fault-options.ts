import { status } from "@grpc/grpc-js";
import type { OptionCheck } from "../../check-options.ts";

export const isMemberName: OptionCheck = (value) =>
  typeof value === "string" && value !== "" ? undefined : 'the name of a member, such as "etcd0"';
export const isCount: OptionCheck = (value) =>
  typeof value === "number" && value >= 1 && (Number.isInteger(value) || value === Infinity)
    ? undefined
    : "a whole number of at least 1";
export const isCode: OptionCheck = (value) =>
  typeof value === "number" && value > 0 && typeof status[value] === "string"
    ? undefined
    : "a gRPC status other than OK";
