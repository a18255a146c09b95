import type { EtcdError } from "../errors/etcd-error.ts";
import { channels } from "./channels.ts";

/** Tells of a stream that was opened; the result is to be called when it has ended. */
export function traceStream(rpc: string, endpoint: string): (error: EtcdError | undefined) => void {
  if (channels.stream.hasSubscribers) channels.stream.publish({ event: "open", rpc, endpoint });
  const openedAt = performance.now();
  return (error) => {
    if (!channels.stream.hasSubscribers) return;
    channels.stream.publish({ event: "end", rpc, endpoint, lastedMs: performance.now() - openedAt, error });
  };
}
