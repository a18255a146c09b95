import { fromJSON } from "@grpc/proto-loader";
import type { AnyDefinition, PackageDefinition, ServiceDefinition } from "@grpc/proto-loader";
import { Codecs } from "./codec.ts";
import { descriptors } from "./gen/descriptors.ts";
import { rpcPaths } from "./gen/rpcs.ts";
import type { ServiceMethod } from "./method.ts";

type AnyServiceMethod = ServiceMethod<object, object>;

function isService(definition: AnyDefinition): definition is ServiceDefinition {
  return !("format" in definition);
}

function findMethods(definitions: PackageDefinition): Map<string, ServiceDefinition[string]> {
  const services = Object.values(definitions).filter(isService);
  return new Map(
    services.flatMap((service) => Object.values(service).map((method) => [method.path, method])),
  );
}

/**
 * What proto-loader knows of a call (path and directions), with codecs of our own: its functions make every message
 * twice, once as protobufjs has it and once as a plain object.
 */
function toServiceMethod(name: string, method: ServiceDefinition[string], codecs: Codecs): AnyServiceMethod {
  const { request, response } = codecs.ofCall(method.path);
  return {
    path: method.path,
    originalName: name,
    requestStream: method.requestStream,
    responseStream: method.responseStream,
    requestSerialize: request.encode,
    requestDeserialize: request.decode,
    responseSerialize: response.encode,
    responseDeserialize: response.decode,
  };
}

/** Builds the method objects of all services, in the shape of `rpcPaths`. */
export function loadMethods(): Record<string, Record<string, AnyServiceMethod>> {
  const methods = findMethods(fromJSON(descriptors));
  const codecs = new Codecs();
  const groups: Record<string, Record<string, AnyServiceMethod>> = {};
  for (const [group, paths] of Object.entries(rpcPaths)) {
    const entries = Object.entries(paths as Record<string, string>).map(([name, path]) => {
      const method = methods.get(path);
      if (method === undefined) throw new Error(`the descriptors have no ${path}: run the generate script`);
      return [name, toServiceMethod(name, method, codecs)] as const;
    });
    groups[group] = Object.fromEntries(entries);
  }
  return groups;
}
