import { status, type ServiceDefinition } from "@grpc/grpc-js";
import { StatusError } from "../errors.ts";

/** Stands for a message that gRPC would not have let in. grpc-js words its refusal in its own way; this one is Go's. */
export class TooLarge {
  readonly error: StatusError;

  constructor(size: number, max: number) {
    this.error = new StatusError(
      status.RESOURCE_EXHAUSTED,
      `grpc: received message larger than max (${size} vs. ${max})`,
    );
  }
}

/** The service, with a {@link TooLarge} in the place of each message above a size. */
export function withLimit(service: ServiceDefinition, max: number): ServiceDefinition {
  const methods = Object.entries(service).map(([name, method]) => [
    name,
    {
      ...method,
      requestDeserialize: (bytes: Buffer): unknown =>
        bytes.length > max ? new TooLarge(bytes.length, max) : (method.requestDeserialize(bytes) as unknown),
    },
  ]);
  return Object.fromEntries(methods) as ServiceDefinition;
}
