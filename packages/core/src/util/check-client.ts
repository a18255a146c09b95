import { describe } from "./validate.ts";

/** @throws TypeError for something that is no client: it comes first in a call, and is easily forgotten. */
export function checkClient(etcd: unknown): void {
  // Not `instanceof`: two copies of this package may be loaded, and both work.
  const { openSession } = (etcd ?? {}) as { readonly openSession?: unknown };
  if (typeof openSession !== "function")
    throw new TypeError(`etcd must be an EtcdClient, received ${describe(etcd)}`);
}
