import {
  bigintOption,
  booleanOption,
  describe,
  numberOption,
  refuseUnknown,
  signalOption,
} from "../util/validate.ts";
import type { WireRange } from "../kv/key-range.ts";
import { readResumeToken } from "./resume-token.ts";
import type { StorePoint } from "./store-view.ts";

export interface WatchOptions {
  /**
   * The first revision to deliver; one in the past is replayed.
   *
   * @default the one after the store's revision when etcd is first reached: after `ready()` nothing is missed
   */
  readonly startRevision?: bigint | undefined;
  /**
   * Goes on where another watcher of the same range was, also one of another process: its `resumeToken`. Excludes
   * {@link startRevision}. Where another cluster answers, or the store has not come that far (again), the watch ends with
   * `CLUSTER_CHANGED`.
   */
  readonly resumeToken?: string | undefined;
  /** Also give each key as it was before the change. @default false */
  readonly prevKv?: boolean | undefined;
  /** Leave out events of these kinds. @default none */
  readonly filters?: readonly ("put" | "delete")[] | undefined;
  /** Also deliver batches without events, which tell how far the watch is while nothing happens. @default false */
  readonly progressNotify?: boolean | undefined;
  /**
   * How many events may wait for the reader. At that number the watch is paused until half of them are read; nothing is
   * dropped. A batch is never cut, so it may be exceeded by one. What is compacted meanwhile is gone, as anywhere: then the
   * loop gets what was received, and throws `COMPACTED`. A watch that was paused has a stream to itself until its reader
   * has kept up for a second, or for longer, up to a minute, the more often it happens.
   *
   * @default 1024
   */
  readonly bufferSize?: number | undefined;
  /**
   * The id this watch has on its stream, at least 1n, also after each reconnect: what is said about it can be told from
   * the rest by whoever looks at the wire. Refused while another open watch of this client has it; a namespace is a client
   * of its own. Such a watch has a stream to itself, since etcd gives away free ids by itself, and may still send what an
   * ended watch was due to the next one with its id. etcd's gRPC proxy picks all ids itself; there the watch ends with
   * `UNIMPLEMENTED`.
   *
   * @default the server picks one
   */
  readonly watchId?: bigint | undefined;
  /** Ends the watch; the loop then throws `ABORTED`. */
  readonly signal?: AbortSignal | undefined;
}

export interface ResolvedWatchOptions {
  readonly startRevision: bigint | undefined;
  readonly known: StorePoint | undefined;
  readonly prevKv: boolean;
  readonly filters: readonly ("put" | "delete")[];
  readonly progressNotify: boolean;
  readonly bufferSize: number;
  readonly watchId: bigint | undefined;
  readonly signal: AbortSignal | undefined;
}

const OPTIONS: readonly (keyof WatchOptions)[] = [
  "startRevision",
  "resumeToken",
  "prevKv",
  "filters",
  "progressNotify",
  "bufferSize",
  "watchId",
  "signal",
];

export function resolveWatchOptions(options: WatchOptions, range: WireRange): ResolvedWatchOptions {
  refuseUnknown(options, OPTIONS, "watch");
  const startRevision = bigintOption(options.startRevision, "startRevision", 1n);
  const { resumeToken } = options;
  if (resumeToken !== undefined && startRevision !== undefined)
    throw new TypeError(`resumeToken excludes startRevision, received ${describe(startRevision)}`);
  const known = resumeToken === undefined ? undefined : readResumeToken(resumeToken, range);
  const { filters = [] } = options;
  if (!Array.isArray(filters)) throw new TypeError(`filters must be an array, received ${describe(filters)}`);
  const wrong: unknown = filters.find((each) => each !== "put" && each !== "delete");
  if (wrong !== undefined)
    throw new TypeError(`filters may hold "put" and "delete", received ${describe(wrong)}`);
  return {
    startRevision: known === undefined ? startRevision : known.revision + 1n,
    known,
    prevKv: booleanOption(options.prevKv, "prevKv"),
    filters: [...new Set(filters)],
    progressNotify: booleanOption(options.progressNotify, "progressNotify"),
    bufferSize: numberOption(options.bufferSize, "bufferSize", { min: 1, integer: true, fallback: 1024 }),
    watchId: bigintOption(options.watchId, "watchId", 1n),
    signal: signalOption(options.signal),
  };
}
