import { rpcs } from "@quorumkit/proto";
import { expect, it } from "vitest";
import { ClientParts } from "../src/client-parts.ts";
import { Namespace } from "../src/namespace/namespace.ts";
import { NamespacedConnection } from "../src/namespace/namespaced-connection.ts";
import { TRANSLATIONS } from "../src/namespace/translations.ts";
import { resolveOptions } from "../src/options.ts";
import { ClusterConnection } from "../src/transport/cluster-connection.ts";

/** RPCs of the services that deal in keys whose own messages have none. */
const WITHOUT_KEYS = ["compact", "leaseGrant", "leaseRevoke", "leaseKeepAlive", "leaseLeases"];

/** Services of the whole cluster. A role's permissions name keys in full. */
const OF_THE_CLUSTER = ["auth", "cluster", "health", "maintenance"];

it("every RPC either is translated or has no keys", () => {
  const services = Object.entries(rpcs).filter(([name]) => !OF_THE_CLUSTER.includes(name));
  expect(services.map(([name]) => name).toSorted()).toEqual(["election", "kv", "lease", "lock", "watch"]);
  const paths = new Map(
    services.flatMap(([, methods]) =>
      Object.entries(methods as Record<string, { readonly path: string }>).map(([name, { path }]) => [
        path,
        name,
      ]),
    ),
  );
  const left = [...paths].filter(([path]) => !TRANSLATIONS.has(path)).map(([, name]) => name);
  expect(left.toSorted()).toEqual(WITHOUT_KEYS.toSorted());
  expect([...TRANSLATIONS.keys()].filter((path) => !paths.has(path))).toEqual([]);
});

it.each([
  ["app/", [0], "app/", [0x61, 0x70, 0x70, 0x30]],
  ["a\u00ff", [0], "a\u00ff", [0x62]],
  ["\u00ff\u00ff", [0], "\u00ff\u00ff", [0]],
  ["app/", [0, 0], "app/", [0x61, 0x70, 0x70, 0x2f, 0, 0]],
])("the end of a range in %j", (prefix, rangeEnd, copy, expected) => {
  const namespace = new Namespace(Buffer.from(prefix, "latin1"));
  expect([...(namespace.rangeEnd(Buffer.from(rangeEnd)) ?? [])]).toEqual(expected);
  expect(namespace.rangeEnd(undefined)).toBeUndefined();
  expect(namespace.rangeEnd(Buffer.alloc(0))?.length).toBe(0);
  expect(namespace.prefix.toString("latin1")).toBe(copy);
});

it("a key is inside when something follows the prefix", () => {
  const namespace = new Namespace("app/");
  const inside = ["app/a", "app/\0", "app", "app/", "app0", "ap", ""].filter((key) =>
    namespace.has(Buffer.from(key)),
  );
  expect(inside).toEqual(["app/a", "app/\0"]);
});

it("without a namespace nothing stands between a client and the cluster, and messages are what they are", () => {
  const endpoints = "localhost:2379";
  const plain = ClientParts.of(resolveOptions({ endpoints }));
  expect(plain.connection).toBeInstanceOf(ClusterConnection);
  const { range } = rpcs.kv;
  expect(plain.connection.spoken({ method: range }).method).toBe(range);
  expect(plain.within("").connection).not.toBeInstanceOf(NamespacedConnection);
  const inside = ClientParts.of(resolveOptions({ endpoints, namespace: "app/" }));
  expect(inside.connection).toBeInstanceOf(NamespacedConnection);
  expect(inside.connection.spoken({ method: range }).method).not.toBe(range);
  const { leaseGrant } = rpcs.lease;
  expect(inside.connection.spoken({ method: leaseGrant }).method).toBe(leaseGrant);
  plain.connection.close();
  inside.connection.close();
});
