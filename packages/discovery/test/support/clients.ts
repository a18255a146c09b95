import { EtcdClient, type KeyValue } from "@quorumkit/core";
import type { EtcdServer } from "@quorumkit/testing";
import { expect } from "vitest";
import type { Registration, RegistrationState, Resolver } from "../../src/index.ts";

/** A client that is closed with its test. */
export function clientOf(etcd: EtcdServer): EtcdClient {
  return new EtcdClient({ endpoints: etcd.endpoints });
}

/** All keys under the prefix, by key. */
export async function keysOf(client: EtcdClient, prefix = "services/"): Promise<Map<string, KeyValue>> {
  const { kvs } = await client.range({ prefix });
  return new Map(kvs.map((kv) => [kv.key, kv]));
}

/** Waits until the registration is in a state; fails when that takes too long. */
export async function untilState(
  registration: Registration,
  state: RegistrationState,
  timeout = 20_000,
): Promise<void> {
  await expect.poll(() => registration.state, { timeout, interval: 20 }).toBe(state);
}

/** Waits until the resolver knows just these ids. */
export async function untilIds(resolver: Resolver, ids: readonly string[], timeout = 20_000): Promise<void> {
  await expect
    .poll(() => resolver.instances.map(({ id }) => id).sort(), { timeout, interval: 20 })
    .toEqual([...ids].sort());
}

/** Every key under the prefix is on a lease that lives. */
export async function expectAllOnLivingLeases(client: EtcdClient, prefix = "services/"): Promise<void> {
  const leases = new Set(await client.leases.list());
  for (const kv of (await keysOf(client, prefix)).values()) {
    expect(leases.has(kv.lease), `${kv.key} on lease ${kv.lease}`).toBe(true);
  }
}

/** No key under the prefix, and no lease at all. */
export async function expectNothingLeft(client: EtcdClient, prefix = "services/"): Promise<void> {
  expect([...(await keysOf(client, prefix)).keys()]).toEqual([]);
  expect(await client.leases.list()).toEqual([]);
}
