import type { Services, WatchRequest } from "@quorumkit/proto";
import { AuthCall } from "../auth/auth-call.ts";
import { errors } from "../errors.ts";
import { WatchStream } from "../watch/watch-stream.ts";
import type { MethodWork, ServiceWork } from "./context.ts";

export interface WatchServiceOptions {
  /**
   * Milliseconds of the clock between progress notifications. Default 10 minutes, as etcd's
   * `--experimental-watch-progress-notify-interval`, but without its jitter.
   */
  readonly progressIntervalMs?: number;
  /**
   * Largest request in bytes. Default 1.5 MiB. An answer to a watch that allows fragments is split from 512 KiB more on,
   * as etcd does it.
   */
  readonly maxRequestBytes?: number;
}

/** What etcd allows beyond its largest request. Source: server/config/config.go, grpcOverheadBytes. */
const overheadBytes = 512 * 1024;

/** The work behind etcd's Watch service. A client that has said all it wants to say is still told of events. */
export function watchHandlers({
  progressIntervalMs = 600_000,
  maxRequestBytes = 1536 * 1024,
}: WatchServiceOptions = {}): ServiceWork<Services["watch"]> {
  const watch: MethodWork<Services["watch"]["watch"]> = (call, context) => {
    const { store, clock } = context.state;
    const stream = new WatchStream({
      store,
      clock,
      answers: call,
      header: (revision) => context.state.header(context.member, revision),
      checkRead: (span) => {
        new AuthCall(context).access().read(span);
      },
      progressIntervalMs,
      maxAnswerBytes: maxRequestBytes + overheadBytes,
    });
    const close = (): void => {
      stopListening();
      stream.close();
    };
    // Its watches stand on revisions that the store may give to others now: as at a restart, it must be opened anew.
    const stopListening = store.onReset(() => {
      close();
      call.emit("error", errors.stopped());
    });
    context.signal.addEventListener("abort", close, { once: true });
    if (context.signal.aborted) close();
    call.on("data", (request: WatchRequest) => {
      if (!context.signal.aborted) stream.handle(request);
    });
  };
  return { watch };
}
