import type { Watcher } from "../watch/watcher.ts";

/**
 * Calls `listener` each time the watch has come back from an interruption. etcd confirms a watch without a word about what
 * lies before its start, and a store that was restored from a backup may have lost what the watch has seen long ago: whoever
 * waits for the end of a key has to look at it again.
 */
export function onReturn(watcher: Watcher, listener: () => void): void {
  let interrupted = false;
  watcher.on("state", (state) => {
    if (state === "live" && interrupted) listener();
    interrupted = state === "interrupted";
  });
}
