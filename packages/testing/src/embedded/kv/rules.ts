/** Where the versions of etcd answer differently. */
export interface KvRules {
  /** Whether a transaction looks at all its puts before its ranges, and not at one operation after the other. Before 3.6. */
  readonly checksPutsFirst: boolean;
  /** Whether a put in a transaction looks for its lease before the key it must find. From 3.7. */
  readonly checksLeaseFirst: boolean;
  /** Whether a range of keys only leaves out the lease, unless it is sorted by value. From 3.7. */
  readonly keysOnlyOmitsLease: boolean;
  /** Whether a read takes an end of a range that was sent empty for "from this key on". Before 3.7. */
  readonly opensEmptyEnds: boolean;
  /** Whether there is RangeStream. From 3.7. */
  readonly hasRangeStream: boolean;
}

/**
 * The rules of a version, such as "3.5" or "3.6.4".
 * @throws {TypeError} when it is not one of 3.4 and later
 */
export function rulesOf(version: string): KvRules {
  const [, minor = ""] = /^3\.(\d+)(?:\.|$)/.exec(version) ?? [];
  const number = Number(minor);
  if (minor === "" || number < 4)
    throw new TypeError(
      `version must be 3.4 or a later 3.x, such as "3.5.30", got ${JSON.stringify(version)}`,
    );
  return {
    checksPutsFirst: number < 6,
    checksLeaseFirst: number >= 7,
    keysOnlyOmitsLease: number >= 7,
    opensEmptyEnds: number < 7,
    hasRangeStream: number >= 7,
  };
}
