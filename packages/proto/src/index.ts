export { rpcs, services } from "./rpcs.ts";
export type { Rpcs, Services } from "./gen/rpcs.ts";
export type {
  BidiStreamMethod,
  MethodHandler,
  RpcMethod,
  ServerStreamMethod,
  ServiceHandlers,
  ServiceMethod,
  UnaryMethod,
} from "./method.ts";
export * from "./gen/types.ts";
export { descriptors } from "./gen/descriptors.ts";
