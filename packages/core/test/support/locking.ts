import { type EtcdClient, type HeldLock, isEtcdError, type Lock } from "@quorumkit/core";
import { deferred } from "@quorumkit/core/internal";
import { expect } from "vitest";

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

/** Whether a promise settles soon enough to say that nothing held it up. */
export async function expectPending(promise: Promise<unknown>): Promise<void> {
  let settled = false;
  promise.then(
    () => (settled = true),
    () => (settled = true),
  );
  await new Promise((resolve) => setImmediate(resolve));
  expect(settled).toBe(false);
}
