import type { KeyValue } from "./key-value.ts";

/** A part of a scan. */
export interface Page {
  /** The one revision all pages are of. */
  readonly revision: bigint;
  /** The cluster it comes from; undefined for a part of a stream, which does not tell. */
  readonly clusterId?: bigint | undefined;
  readonly kvs: readonly KeyValue[];
}
