/** G4: at most one holder or leader, and every one of them can make etcd refuse what it writes too late. */
export const locks = [
  {
    name: "no-own-key-watch",
    harm: "A holder whose key was deleted by an operator goes on beside the next one, for as long as it renews.",
    file: "packages/core/src/queue/key-watch.ts",
    find: "watch.#done = watch.#run(fromRevision);",
    replace: "",
    tests: [
      {
        file: "packages/core/test/ownership-loss.test.ts",
        title: "by its key, while its session lives on and has nothing to renew",
      },
    ],
  },
  {
    name: "no-confirm-transaction",
    harm: "Whoever sees its predecessor go takes itself for elected, although its own key has gone as well.",
    file: "packages/core/src/queue/wait-for-turn.ts",
    find: `  if (own?.createRevision !== createRevision) {
    throw new EtcdError("KEY_DELETED", \`\${key} was deleted or replaced by somebody else\`);
  }
`,
    replace: "",
    tests: [
      {
        file: "packages/core/test/queue.test.ts",
        title: "elects nobody whose key has gone, even when nobody has told",
      },
    ],
  },
  {
    name: "no-second-look",
    harm: "A waiter whose predecessor gave up is let in beside the holder.",
    file: "packages/core/src/queue/wait-until.ts",
    find: "await untilChanged(client, watched, { event, startRevision: revision + 1n, signal });",
    replace: `await untilChanged(client, watched, { event, startRevision: revision + 1n, signal });
        if (!signal.aborted) return undefined as T;`,
    tests: [
      {
        file: "packages/core/test/lock.test.ts",
        title: "of a predecessor in the middle does not let anybody in early",
      },
      {
        file: "packages/election/test/campaign.test.ts",
        title: "is not elected when its predecessor in the middle goes",
      },
    ],
  },
  {
    name: "unguarded-unlock",
    harm: "An unlock that is sent again frees the newer lock of the same session.",
    file: "packages/core/src/queue/delete-own-key.ts",
    find: `    .if(compare(ticket.key).createRevision.equals(ticket.createRevision))
`,
    replace: "",
    tests: [
      {
        file: "packages/core/test/queue.test.ts",
        title: "of leave and release: sent again, they never delete a newer key",
      },
    ],
  },
  {
    name: "late-copies-not-swept",
    harm: "What a paused member applies after the release stays as long as the session: a lock that nobody holds.",
    file: "packages/core/src/queue/session-key.ts",
    find: "this.#sweeper?.start(this.#client);",
    replace: "",
    tests: [
      {
        file: "packages/core/test/late-copies.test.ts",
        title: "of an acquire that was aborted: leaves nothing",
      },
    ],
  },
  {
    name: "swept-while-in-use",
    harm: "Who takes a lock again after a late copy of the first one loses it to the clean-up of that.",
    file: "packages/core/src/queue/session-key.ts",
    find: "await this.#sweeper?.stop(signal);",
    replace: "",
    tests: [
      {
        file: "packages/core/test/late-copies.test.ts",
        title: "never takes the key from whoever acquires meanwhile",
      },
    ],
  },
  {
    name: "later-success-hides-unknown",
    harm: "A copy whose answer was lost is forgotten once the second one is answered; it comes late all the same.",
    file: "packages/core/src/txn/txn.ts",
    find: "if (progress?.maybeApplied === true) onUnknown?.();",
    replace: "",
    tests: [
      {
        file: "packages/core/test/late-copies.test.ts",
        title: "of a tryAcquire that found somebody else there: leaves nothing",
      },
    ],
  },
  {
    name: "transaction-without-guard",
    harm: "A leader that was paused past its TTL writes over what its successor wrote.",
    file: "packages/core/src/queue/guarded-txn.ts",
    find: `      .if(guard.guard())
`,
    replace: "",
    tests: [
      {
        file: "packages/core/test/guarded-by-etcd.test.ts",
        title: "writes nothing where its key has gone",
      },
    ],
  },
  {
    name: "guard-of-any-term",
    harm: "The guard holds as soon as the key is there, also for a later term: an old transaction goes through.",
    file: "packages/core/src/queue/ownership.ts",
    find: "return compare(this.key).createRevision.equals(this.fencingToken);",
    replace: "return compare(this.key).createRevision.greaterThan(0n);",
    tests: [
      {
        file: "packages/core/test/guarded-by-etcd.test.ts",
        title: "writes nothing where its key was made anew, on the same lease",
      },
    ],
  },
  {
    name: "session-twice-in-queue",
    harm: "Two users of one session get the same key, and both believe that they hold the lock.",
    file: "packages/core/src/queue/claims.ts",
    find: `  if (names.has(name)) throw new EtcdError("LOCK_HELD", taken, { outcome: "notApplied" });
`,
    replace: "",
    tests: [
      {
        file: "packages/core/test/lock.test.ts",
        title: "refuses the same session twice, instead of a second owner with the same key",
      },
    ],
  },
  {
    name: "lost-session-not-told",
    harm: "A leader that cannot reach etcd is not told to stop when its lease runs out.",
    file: "packages/core/src/queue/ownership.ts",
    find: "for (const signal of [ticket.session.signal, ticket.watch.signal]) {",
    replace: "for (const signal of [ticket.watch.signal]) {",
    tests: [
      {
        file: "packages/core/test/ownership-loss.test.ts",
        title: "by its session, while its key is silent",
      },
    ],
  },
  {
    name: "one-permit-too-many",
    harm: "A semaphore of three lets four in.",
    file: "packages/core/src/semaphore/permits.ts",
    find: "held.count >= BigInt(this.#permits)",
    replace: "held.count > BigInt(this.#permits)",
    tests: [
      {
        file: "packages/core/test/semaphore.test.ts",
        title: "as many as there are permits, then the next in the order of arrival",
      },
    ],
  },
  {
    name: "permit-without-count",
    harm: "Of many who try at once, more get a permit than there are.",
    file: "packages/core/src/semaphore/permits.ts",
    find: `          compare({ prefix: this.#held }).createRevision.lessThan(counted + 1n),
`,
    replace: "",
    tests: [
      {
        file: "packages/core/test/semaphore.test.ts",
        title: "of many who try at once, exactly as many as there are permits",
      },
    ],
  },
  {
    name: "writer-beside-readers",
    harm: "A writer is let in while readers are there.",
    file: "packages/core/src/read-write-lock/read-write-lock.ts",
    find: "this.write = lock(writers, all);",
    replace: "this.write = lock(writers, writers);",
    tests: [
      {
        file: "packages/core/test/read-write-lock.test.ts",
        title: "in the order of arrival: a reader does not overtake a writer that waits",
      },
    ],
  },
  {
    name: "function-not-awaited",
    harm: "The next term begins while the function of the last one still works: the singleton runs twice.",
    file: "packages/election/src/run.ts",
    find: "await fn(new Leadership(held, value, term));",
    replace: `const stopped = new Promise((done) => scope.signal.addEventListener("abort", done));
    await Promise.race([fn(new Leadership(held, value, term)), stopped]);`,
    tests: [
      {
        file: "packages/election/test/run-overlap.test.ts",
        title: "a function that goes on after its term was lost keeps its runner out of the election",
      },
    ],
  },
];
