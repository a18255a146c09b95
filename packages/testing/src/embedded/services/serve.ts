import type { Services } from "@quorumkit/proto";
import { services } from "@quorumkit/proto";
import type { MethodDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";
import { serveStream } from "./serve-stream.ts";
import { serveUnary, type AnyUnaryWork } from "./serve-unary.ts";
import type { ServiceWork } from "./context.ts";
import type { Host } from "./host.ts";

type MethodShape = Pick<MethodDefinition<object, object>, "path" | "requestStream" | "responseStream">;
type AnyWork = Readonly<Record<string, unknown>>;

/**
 * Turns the work of one service into the handlers that grpc-js wants, each with everything that is the same for all calls: faults,
 * the leader, authentication, headers and errors.
 */
export function serve<Name extends keyof Services>(
  name: Name,
  work: ServiceWork<Services[Name]>,
  host: Host,
): UntypedServiceImplementation {
  const handlers: UntypedServiceImplementation = {};
  const methods: Readonly<Record<string, MethodShape>> = services[name];
  for (const [method, { path, requestStream, responseStream }] of Object.entries(methods)) {
    const own = (work as AnyWork)[method];
    if (own === undefined) continue;
    const call = { service: name, method, path };
    handlers[method] =
      requestStream || responseStream
        ? serveStream(call, own as Parameters<typeof serveStream>[1], requestStream, host)
        : serveUnary(call, own as AnyUnaryWork, host);
  }
  return handlers;
}
