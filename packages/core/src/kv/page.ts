import type { KeyValue } from "./key-value.ts";

/** A part of a scan. */
export interface Page {
  /** The one revision all pages are of. */
  readonly revision: bigint;
  readonly kvs: readonly KeyValue[];
}
