import { once } from "node:events";
import { createServer } from "node:net";
import { show } from "../options.ts";
import { FaultProxy, type ProxyObserver } from "./fault-proxy.ts";
import { addressOf, type FaultProxyTarget } from "./target.ts";

/** What {@link startFaultProxy} takes. */
export interface FaultProxyOptions {
  /**
   * How many bytes the proxy keeps for each direction of each connection before it stops reading from the sender. Default
   * 1 MiB. It also bounds what a delay can have on its way.
   */
  readonly maxBufferBytes?: number;
}

const MAX_BUFFER_BYTES = 1024 * 1024;

/**
 * Starts a proxy in front of a server, on a port of 127.0.0.1 that the kernel chooses. The server need not run yet.
 * @throws TypeError for a wrong target or option.
 */
export async function startFaultProxy(
  target: FaultProxyTarget,
  options: FaultProxyOptions = {},
): Promise<FaultProxy> {
  return startObservedProxy(target, options, {});
}

/** @internal As {@link startFaultProxy}, for one who wants to see what passes. */
export async function startObservedProxy(
  target: FaultProxyTarget,
  options: FaultProxyOptions,
  observer: ProxyObserver,
): Promise<FaultProxy> {
  addressOf(target);
  const maxBufferBytes = maxBufferOf(options);
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return new FaultProxy(server, target, maxBufferBytes, observer);
}

function maxBufferOf(options: FaultProxyOptions): number {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`Expected options to be an object, got ${show(options)}`);
  }
  for (const name of Object.keys(options)) {
    if (name !== "maxBufferBytes") {
      throw new TypeError(`Unknown option "${name}"; known are maxBufferBytes`);
    }
  }
  const { maxBufferBytes = MAX_BUFFER_BYTES } = options;
  if (!Number.isSafeInteger(maxBufferBytes) || maxBufferBytes < 1) {
    throw new TypeError(
      `Expected option "maxBufferBytes" to be a whole number from 1 on, got ${show(maxBufferBytes)}`,
    );
  }
  return maxBufferBytes;
}
