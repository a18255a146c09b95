import type { MethodDefinition } from "@grpc/grpc-js";
import { services } from "@quorumkit/proto";

type MethodShape = Pick<MethodDefinition<object, object>, "path" | "requestStream" | "responseStream">;

interface ServedMethod {
  readonly path: string;
  readonly isStream: boolean;
}

/** By path, and by the short name, the last part of the path; etcd's own services before those that gRPC brought. */
const methods: ReadonlyMap<string, ServedMethod> = readMethods();

function readMethods(): Map<string, ServedMethod> {
  const found = new Map<string, ServedMethod>();
  const { health, ...ofEtcd } = services;
  const all: readonly Readonly<Record<string, MethodShape>>[] = [...Object.values(ofEtcd), health];
  for (const service of all) {
    for (const { path, requestStream, responseStream } of Object.values(service)) {
      const method = { path, isStream: requestStream || responseStream };
      found.set(path, method);
      const name = shortName(path);
      if (!found.has(name)) found.set(name, method);
    }
  }
  return found;
}

/** "Put" of "/etcdserverpb.KV/Put". */
export function shortName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** @throws TypeError naming the methods there are, when this is none of them. */
export function findMethod(name: string): ServedMethod {
  const method = methods.get(name);
  if (method !== undefined) return method;
  const names = [...methods.keys()].filter((known) => !known.startsWith("/"));
  throw new TypeError(
    `Expected the name of a method, such as "Put" or "/etcdserverpb.KV/Put", got ${JSON.stringify(name)}; known are ${names.join(", ")}`,
  );
}
