import { type EtcdClient, EtcdError, type EtcdErrorCode, Mirror } from "@quorumkit/core";
import { type Deferred, deferred, onAbort } from "@quorumkit/core/internal";
import { type ElectionView, viewOf } from "./view.ts";

/**
 * The views of one mirror of all candidates. Asked for the next one, it gives the newest there is, or waits for a change:
 * a slow reader skips what lies between and holds nothing up. It outlives compaction and outages, as the mirror does.
 */
export async function* observe(
  client: EtcdClient,
  prefix: string,
  signal: AbortSignal,
): AsyncGenerator<ElectionView, void> {
  if (signal.aborted) return;
  const mirror = Mirror.start(client, { prefix });
  let news: Deferred<void> = deferred();
  let failure: EtcdErrorCode | undefined;
  const tell = (): void => news.resolve();
  mirror.on("change", tell);
  mirror.on("state", tell);
  const tellFailure = ({ code }: EtcdError): void => {
    // The same again is no news; that it is something else now is.
    if (code !== failure) tell();
    failure = code;
  };
  mirror.on("failure", tellFailure);
  // The loop's body may never ask again, so the mirror ends here and not only below. Closing it is idempotent.
  const removeListener = onAbort(signal, () => {
    tell();
    void mirror.close();
  });
  try {
    for (;;) {
      await news.promise;
      if (signal.aborted) return;
      news = deferred();
      if (mirror.state === "closed")
        throw new EtcdError("CLOSED", `the mirror of ${prefix} was closed`, { cause: mirror.lastError });
      if (mirror.state !== "loading" || mirror.lastError !== undefined) yield viewOf(mirror);
    }
  } finally {
    removeListener();
    mirror.off("change", tell);
    mirror.off("state", tell);
    mirror.off("failure", tellFailure);
    await mirror.close();
  }
}
