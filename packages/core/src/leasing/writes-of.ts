import type { RequestOpInput } from "@quorumkit/proto";
import type { WireRange } from "../kv/key-range.ts";
import { keyId } from "../kv/bytes.ts";

/** What operations may change, whichever branch of a transaction runs. */
export interface Writes {
  /** Single keys, each once. */
  readonly keys: readonly Uint8Array[];
  /** Ranges that are deleted. */
  readonly ranges: readonly WireRange[];
}

export function writesOf(operations: readonly RequestOpInput[]): Writes {
  const keys = new Map<string, Uint8Array>();
  const ranges: WireRange[] = [];
  const add = (key: Uint8Array): unknown => keys.set(keyId(key), key);
  const collect = ({ requestPut, requestDeleteRange, requestTxn }: RequestOpInput): void => {
    if (requestPut?.key) add(requestPut.key);
    if (requestDeleteRange?.key) {
      const { key, rangeEnd } = requestDeleteRange;
      if (rangeEnd && rangeEnd.length > 0) ranges.push({ key, rangeEnd });
      else add(key);
    }
    for (const each of [...(requestTxn?.success ?? []), ...(requestTxn?.failure ?? [])]) collect(each);
  };
  for (const each of operations) collect(each);
  return { keys: [...keys.values()], ranges };
}
