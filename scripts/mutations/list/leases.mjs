/** G3: loss is signalled before it is true. G8: closing leaves no lease. */
export const leases = [
  {
    name: "deadline-from-receive-time",
    harm: "A lease counts from when the answer came: a holder believes in it when etcd has given the key away.",
    file: "packages/core/src/lease/renewal-stream.ts",
    find: "handlers.onAnswer({ id: ID, sentAt, answeredAt,",
    replace: "handlers.onAnswer({ id: ID, sentAt: answeredAt, answeredAt,",
    tests: [
      {
        file: "packages/core/test/keep-alive.test.ts",
        title: "counts from when it was sent, each for its own lease",
      },
      {
        file: "packages/core/test/session.test.ts",
        title: "count from when the renewal was sent, not from when the answer came",
      },
    ],
  },
  {
    name: "renewal-credited-with-later-send",
    harm: "The answer to an old renewal counts for a new one, which may never have arrived.",
    file: "packages/core/src/lease/renewal-stream.ts",
    find: "const sentAt = sent?.shift();",
    replace: "const sentAt = sent?.pop();",
    tests: [
      {
        file: "packages/core/test/keep-alive.test.ts",
        title: "has several renewals under way, and the first answer is the first one's",
      },
    ],
  },
  {
    name: "grant-counted-from-answer",
    harm: "A session whose grant was slow believes in a TTL that has mostly run out.",
    file: "packages/core/src/lease/open-session.ts",
    find: `      lease,
      sentAt,
`,
    replace: `      lease,
      systemClock.now(),
`,
    tests: [
      {
        file: "packages/core/test/session.test.ts",
        title: "a grant that took most of the TTL leaves only the rest",
      },
    ],
  },
  {
    name: "flag-instead-of-clock",
    harm: "After a blocked event loop a holder whose lease has expired takes itself for alive, and writes.",
    file: "packages/core/src/lease/session.ts",
    find: "return this.#ended === undefined && !this.#deadline.passed;",
    replace: "return this.#ended === undefined;",
    tests: [
      {
        file: "packages/core/test/session.test.ts",
        title: "beyond the TTL: not alive at the next look, nor ever again",
      },
      {
        file: "packages/election/test/faults.test.ts",
        title: "leaves no leader standing: right after it, isLeader is false",
      },
    ],
  },
  {
    name: "deadline-without-margin",
    harm: "The loss of a lease is told when etcd may already have freed the key.",
    file: "packages/core/src/lease/lease-deadline.ts",
    find: "return sentAt + ttlSeconds * 1000 * (1 - DRIFT) - MARGIN_MS;",
    replace: "return sentAt + ttlSeconds * 1000;",
    tests: [
      {
        file: "packages/core/test/lease-deadline.test.ts",
        title: "counts from when the grant was sent, and ends before the TTL does",
      },
    ],
  },
  {
    name: "suspension-not-counted",
    harm: "A laptop or virtual machine that slept past the TTL wakes up as the leader.",
    file: "packages/core/src/util/clock.ts",
    find: "return monotonic + this.#suspendedMs;",
    replace: "return monotonic;",
    tests: [
      {
        file: "packages/core/test/lease-deadline.test.ts",
        title: "counts the time the machine was suspended, at once and once",
      },
    ],
  },
  {
    name: "lost-session-comes-back",
    harm: "A late answer makes a session alive again after its owner was told that it is over.",
    file: "packages/core/src/lease/session.ts",
    find: `    if (this.#deadline.passed) {
      this.#lost("LEASE_EXPIRED", TOO_LATE);
      return;
    }
    if (channels`,
    replace: "    if (channels",
    tests: [
      {
        file: "packages/core/test/session-rules.test.ts",
        title: "that was lost is not brought back by a renewal answered later",
      },
    ],
  },
  {
    name: "close-leaves-lease",
    harm: "Whatever hangs on a closed session stays for the rest of its TTL: locks, leaderships, registrations.",
    file: "packages/core/src/lease/session.ts",
    find: "await this.#context.revoke(this.lease.id, Math.max(1, remainingMs));",
    replace: "",
    tests: [
      {
        file: "packages/core/test/close.test.ts",
        title: "with everything open ends everything, and leaves nothing on the server",
      },
      {
        file: "packages/election/test/campaign.test.ts",
        title: "ends campaigns, resigns leaderships, and leaves no key and no lease",
      },
    ],
  },
  {
    name: "aborted-open-leaves-lease",
    harm: "Each openSession() that is aborted leaves a lease behind.",
    file: "packages/core/src/lease/open-session.ts",
    find: `if (adopted === undefined && isEtcdError(error) && error.outcome !== "notApplied")`,
    replace: `if (adopted === undefined && isEtcdError(error) && error.outcome === "notApplied")`,
    tests: [
      {
        file: "packages/core/test/session-open.test.ts",
        title: "that is aborted after its lease was granted leaves no lease",
      },
    ],
  },
  {
    name: "lease-of-others-revoked",
    harm: "Closing a session on a lease that somebody else granted deletes all keys of that lease.",
    file: "packages/core/src/lease/open-session.ts",
    find: "(adopted === undefined ? revoke(connection, id, forMs) : undefined)",
    replace: "revoke(connection, id, forMs)",
    tests: [
      {
        file: "packages/core/test/adopted-lease.test.ts",
        title: "keeps one of an id of its own alive, and leaves it when it is closed",
      },
    ],
  },
];
