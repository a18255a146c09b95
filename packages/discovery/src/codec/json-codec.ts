import { checkInstance } from "../instance.ts";
import type { InstanceCodec } from "./codec.ts";

/**
 * The layout of this package: key `<root>/<service>/<instance id>`, value one JSON object with the fields of
 * `ServiceInstance` and `owner`. Only `address` must be there; `weight`, `metadata` and `status` have defaults. Fields a
 * reader does not know are ignored, so that newer writers and older readers live together. The key names the instance:
 * `id` and `name` in the value are for people who look at it.
 */
export const jsonCodec: InstanceCodec = {
  prefix: (root, service) => `${root}/${service}/`,
  key: (root, service, id) => `${root}/${service}/${id}`,
  encode: (instance, owner) => JSON.stringify({ ...instance, owner }),
  decode: ({ service, name, value }) => [checkInstance({ ...objectOf(value), id: name, name: service })],
  owner: (value) => {
    try {
      const { owner } = objectOf(value);
      return typeof owner === "string" ? owner : undefined;
    } catch {
      return undefined;
    }
  },
};

function objectOf(value: Buffer): { readonly owner?: unknown } {
  const parsed: unknown = JSON.parse(value.toString("utf8"));
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw new TypeError("the value must be a JSON object");
  }
  return parsed;
}
