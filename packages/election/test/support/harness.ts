import { EtcdClient } from "@quorumkit/core";
import { deferred } from "@quorumkit/core/internal";
import { type Election, type ElectionView, type Leadership } from "@quorumkit/election";
import { startEtcd, type EtcdServer } from "@quorumkit/testing";
import { afterAll, beforeAll, expect } from "vitest";

/** One etcd and one client for the tests of a file. */
export interface Harness {
  server: EtcdServer;
  etcd: EtcdClient;
  /** An election name nobody else uses. */
  readonly newName: () => string;
  /** The keys under a name, oldest first. */
  readonly keysOf: (name: string) => Promise<string[]>;
  /** The value of a key. */
  readonly text: (key: string) => Promise<string | undefined>;
}

export function useEtcd(): Harness {
  let names = 0;
  const harness = {
    newName: () => `election-test/${names++}`,
    async keysOf(name: string): Promise<string[]> {
      const sort = { by: "createRevision", order: "ascending" } as const;
      return (await harness.etcd.range({ prefix: `${name}/` }, { sort })).kvs.map(({ key }) => key);
    },
    text: async (key: string) => (await harness.etcd.get(key))?.text(),
  } as Harness;
  beforeAll(async () => {
    harness.server = await startEtcd();
    harness.etcd = new EtcdClient({ endpoints: harness.server.endpoints });
  });
  afterAll(async () => {
    await harness.etcd.close();
    await harness.server.close();
  });
  return harness;
}

/** Campaigns, and resolves when it stands in the queue behind somebody. */
export async function queueUp(
  election: Election,
  value: string,
  options: { signal?: AbortSignal } = {},
): Promise<{ elected: Promise<Leadership>; predecessor: string; waitedFor: string[] }> {
  const waiting = deferred<string>();
  const waitedFor: string[] = [];
  const elected = election.campaign(value, {
    ...options,
    onWaiting: ({ key }) => {
      waitedFor.push(key);
      waiting.resolve(key);
    },
  });
  elected.catch((error: unknown) => waiting.reject(error));
  return { elected, predecessor: await waiting.promise, waitedFor };
}

/** The reason of a signal, once it aborts. */
export async function reasonOf(signal: AbortSignal): Promise<unknown> {
  if (!signal.aborted)
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  return signal.reason;
}

/** Reads views until one fits. */
export async function untilView(
  views: AsyncIterator<ElectionView>,
  fits: (view: ElectionView) => boolean,
): Promise<ElectionView> {
  for (;;) {
    const { value, done } = await views.next();
    if (done === true) throw new Error("the views ended");
    if (fits(value)) return value;
  }
}

/** `expect.poll`, patient enough for a busy machine. */
export function eventually<T>(
  read: () => T | Promise<T>,
  timeout = 15_000,
): ReturnType<typeof expect.poll<T>> {
  return expect.poll(read, { timeout });
}
