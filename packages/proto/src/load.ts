import { fromJSON } from "@grpc/proto-loader";
import type { AnyDefinition, Options, PackageDefinition, ServiceDefinition } from "@grpc/proto-loader";
import { descriptors } from "./gen/descriptors.ts";
import { rpcPaths } from "./gen/rpcs.ts";
import type { ServiceMethod } from "./method.ts";

type AnyServiceMethod = ServiceMethod<object, object>;

const options: Options = {
  // Not among the values proto-loader documents; it hands the option on to protobufjs, which knows BigInt since 7.6.
  longs: BigInt,
  arrays: true,
  defaults: true,
  oneofs: true,
};

function isService(definition: AnyDefinition): definition is ServiceDefinition {
  return !("format" in definition);
}

function findMethods(definitions: PackageDefinition): Map<string, ServiceDefinition[string]> {
  const services = Object.values(definitions).filter(isService);
  return new Map(
    services.flatMap((service) => Object.values(service).map((method) => [method.path, method])),
  );
}

/** Keeps what a call needs and leaves out proto-loader's reflection data, which every method would repeat. */
function toServiceMethod(name: string, method: ServiceDefinition[string]): AnyServiceMethod {
  return {
    path: method.path,
    originalName: name,
    requestStream: method.requestStream,
    responseStream: method.responseStream,
    requestSerialize: method.requestSerialize,
    requestDeserialize: method.requestDeserialize,
    responseSerialize: method.responseSerialize,
    responseDeserialize: method.responseDeserialize,
  };
}

/** Builds the method objects of all services, in the shape of `rpcPaths`. */
export function loadMethods(): Record<string, Record<string, AnyServiceMethod>> {
  const methods = findMethods(fromJSON(descriptors, options));
  const groups: Record<string, Record<string, AnyServiceMethod>> = {};
  for (const [group, paths] of Object.entries(rpcPaths)) {
    const entries = Object.entries(paths as Record<string, string>).map(([name, path]) => {
      const method = methods.get(path);
      if (method === undefined) throw new Error(`the descriptors have no ${path}: run the generate script`);
      return [name, toServiceMethod(name, method)] as const;
    });
    groups[group] = Object.fromEntries(entries);
  }
  return groups;
}
