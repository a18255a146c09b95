import { once } from "node:events";
import { createServer } from "node:net";
import { checkEach, type OptionCheck } from "../check-options.ts";
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

const CHECKS: { readonly [K in keyof Required<FaultProxyOptions>]: OptionCheck } = {
  maxBufferBytes: (value) =>
    Number.isSafeInteger(value) && Number(value) >= 1 ? undefined : "a whole number from 1 on",
};

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
  checkEach(options, CHECKS);
  const { maxBufferBytes = MAX_BUFFER_BYTES } = options;
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return new FaultProxy(server, target, maxBufferBytes, observer);
}
