/** What a cluster of three cannot show, by the full name of the test, and why. */
export const SINGLE_ONLY = [
  {
    test: "maintenance shows the alarm of a full database, and disarms it",
    reason: "each of the members raises an alarm of its own, at a time of its own",
  },
  {
    test: "etcd restored from a backup that knows the lease but not the key: the key is written again",
    reason: "the backup is of one member, and the other two know better",
  },
];
