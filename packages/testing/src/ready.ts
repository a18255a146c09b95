import { setTimeout as sleep } from "node:timers/promises";
import { httpCall } from "./http.ts";
import { AddressInUseError, type EtcdHost } from "./etcd-host.ts";

const POLL_MS = 20;
const ATTEMPT_MS = 1_000;

/** Whether etcd could not start because a port of it is somebody else's. */
export function isAddressInUse(error: unknown): boolean {
  return error instanceof AddressInUseError || (error instanceof NotReadyError && error.addressInUse);
}

/** etcd did not become ready; `addressInUse` when the reason is a port that somebody else has. */
class NotReadyError extends Error {
  readonly addressInUse: boolean;

  constructor(message: string, addressInUse: boolean) {
    super(message);
    this.name = "NotReadyError";
    this.addressInUse = addressInUse;
  }
}

/**
 * Waits until etcd's health endpoint says it is healthy, which for a member of a cluster includes that there is a leader.
 * Rejects with the end of etcd's log when etcd ends before, or is not ready in time.
 */
export async function untilHealthy(
  host: EtcdHost,
  endpoint: string,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  let ended = false;
  void host.exited().then(() => (ended = true));
  for (;;) {
    signal?.throwIfAborted();
    if (await isHealthy(endpoint)) return;
    if (ended) throw notReady(host, `etcd ended before it was ready at ${endpoint}`);
    if (performance.now() > deadline)
      throw notReady(host, `etcd was not ready at ${endpoint} after ${timeoutMs} ms`);
    await sleep(POLL_MS);
  }
}

async function isHealthy(endpoint: string): Promise<boolean> {
  try {
    const { status, body } = await httpCall(`${endpoint}/health`, { timeoutMs: ATTEMPT_MS });
    return status === 200 && (JSON.parse(body) as { health?: unknown }).health === "true";
  } catch {
    return false;
  }
}

function notReady(host: EtcdHost, what: string): NotReadyError {
  const tail = host
    .logs()
    .trimEnd()
    .split("\n")
    .slice(-30)
    .map((line) => line.slice(0, 400))
    .join("\n");
  return new NotReadyError(`${what}. The end of its log:\n${tail}`, /address already in use/.test(tail));
}
