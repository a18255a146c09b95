import { type EtcdClient, type HeldLock, isEtcdError, type Lock } from "@quorumkit/core";
import { deferred } from "@quorumkit/core/internal";
import { expect } from "vitest";

let witnesses = 0;

/** The keys of a lock of any kind, oldest first. */
export async function keysOf(etcd: EtcdClient, name: string): Promise<string[]> {
  const { kvs } = await etcd.range(
    { prefix: `${name}/` },
    { sort: { by: "createRevision", order: "ascending" } },
  );
  return kvs.map(({ key }) => key);
}

/** Begins to acquire, and resolves when it has to wait, with who is in the way. */
export async function queueUp(
  lock: Lock,
  options: { signal?: AbortSignal } = {},
): Promise<{ acquired: Promise<HeldLock>; predecessor: string }> {
  const waiting = deferred<string>();
  const acquired = lock.acquire({ ...options, onWaiting: ({ key }) => waiting.resolve(key) });
  acquired.then(
    () => waiting.reject(new Error("it did not have to wait")),
    (error: unknown) => waiting.reject(error),
  );
  return { acquired, predecessor: await waiting.promise };
}

/** Why a signal aborts, as a code. */
export async function codeOf(signal: AbortSignal): Promise<string> {
  if (!signal.aborted) await new Promise((done) => signal.addEventListener("abort", done, { once: true }));
  return isEtcdError(signal.reason) ? signal.reason.code : String(signal.reason);
}

/**
 * That these wait on, and nothing that has happened so far lets them through. So that they could have been, the same client
 * then hands a lock from its holder to a waiter: the whole way from a key to a watch, an event, and a look at the queue,
 * begun later and as long as theirs. That they still wait after it is no matter of luck.
 */
export async function expectPending(etcd: EtcdClient, ...promises: Promise<unknown>[]): Promise<void> {
  let settled = 0;
  const tell = (): void => void (settled += 1);
  for (const each of promises) each.then(tell, tell);
  const witness = etcd.lock(`witness/${(witnesses += 1)}`);
  const holder = await witness.acquire();
  const waiter = await queueUp(witness);
  await holder.release();
  await (await waiter.acquired).release();
  expect(settled).toBe(0);
}
