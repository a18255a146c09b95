/** G5: a registration is one unit, comes back, and never touches what is not its own. */
export const registrations = [
  {
    name: "deleted-key-stays-away",
    harm: "An instance whose key an operator deleted is never found again, although it runs and says so.",
    file: "packages/discovery/src/registration/standing.ts",
    find: "const loss = this.#sessionLoss() ?? this.#keyLoss();",
    replace: "const loss = this.#sessionLoss();",
    tests: [
      {
        file: "packages/discovery/test/ownership.test.ts",
        title: "a key an operator deletes comes back, every time",
      },
    ],
  },
  {
    name: "wrong-lease-accepted",
    harm: "A registration that was taken off its lease stays in etcd for ever, also when its process dies.",
    file: "packages/discovery/src/registration/own-key.ts",
    find: "return kv.lease === claim.leaseId && kv.text() === claim.value;",
    replace: "return kv.text() === claim.value;",
    tests: [
      {
        file: "packages/discovery/test/own-lease.test.ts",
        title: "a key that is taken off its lease is put back on it, though its value is right",
      },
    ],
  },
  {
    name: "registered-without-lease",
    harm: "A process that dies leaves its registration behind, and calls go there for ever.",
    file: "packages/discovery/src/registration/own-key.ts",
    find: `        .then(op.put(this.#key, value, { lease: leaseId }))
        .else(op.get(this.#key))`,
    replace: `        .then(op.put(this.#key, value))
        .else(op.get(this.#key))`,
    tests: [
      {
        file: "packages/discovery/test/register-and-resolve.test.ts",
        title: "the value in etcd is the documented JSON, on the registry's one lease",
      },
    ],
  },
  {
    name: "revoked-lease-used-on",
    harm: "A registration whose lease is gone tries it again and again until the next renewal.",
    file: "packages/discovery/src/registration/reconciler.ts",
    find: `if (isEtcdError(error, "LEASE_NOT_FOUND")) this.#parts.sessions.discard(session);`,
    replace: "",
    tests: [
      {
        file: "packages/discovery/test/ownership.test.ts",
        title: "a lease that is gone is not waited for until its next renewal",
      },
    ],
  },
  {
    name: "foreign-key-overwritten",
    harm: "Two processes with one id take the key from each other in turns.",
    file: "packages/discovery/src/registration/own-key.ts",
    find: `      if (found !== undefined && !this.#isOurs(found)) return { type: "taken", holder: found };
`,
    replace: "",
    tests: [
      {
        file: "packages/discovery/test/ownership.test.ts",
        title: "an id that somebody else has is not taken from him",
      },
    ],
  },
  {
    name: "foreign-key-deleted",
    harm: "Who deregisters deletes the registration of whoever has its id by then.",
    file: "packages/discovery/src/registration/own-key.ts",
    find: "if (found === undefined || !this.#isOurs(found)) return;",
    replace: "if (found === undefined) return;",
    tests: [
      {
        file: "packages/discovery/test/ownership.test.ts",
        title: "a key that somebody else took meanwhile is neither overwritten nor deleted",
      },
    ],
  },
  {
    name: "late-registration-stays",
    harm: "A registration that a paused member applies after its end stays: calls go to what is no more.",
    file: "packages/discovery/src/registration/reconciler.ts",
    find: `      this.#sessionKey?.giveUp();
      this.#happen`,
    replace: "      this.#happen",
    tests: [
      {
        file: "packages/discovery/test/late-copies.test.ts",
        title: "a registration that is sent twice, and applied once more after deregister(), does not stay",
      },
    ],
  },
  {
    name: "unreadable-value-removes-instance",
    harm: "A value that cannot be read takes an instance out of service that works.",
    file: "packages/discovery/src/resolver/instance-set.ts",
    find: "(this.#read(key, entry, onInvalid) ?? this.#of(key));",
    replace: "(this.#read(key, entry, onInvalid) ?? NONE);",
    tests: [
      {
        file: "packages/discovery/test/instance-set.test.ts",
        title: "an instance whose value cannot be read any more stays until its key goes",
      },
    ],
  },
  {
    name: "leaves-without-a-word",
    harm: "Who leaves on purpose looks like one that crashed, and counts as lost.",
    file: "packages/discovery/src/registration/reconciler.ts",
    find: "await this.#parts.ownKey.withdraw(await this.#sayFarewell(standing), this.#stop.signal);",
    replace: "await this.#parts.ownKey.withdraw(standing.revision, this.#stop.signal);",
    tests: [
      {
        file: "packages/discovery/test/register-and-resolve.test.ts",
        title: "picks go round, and follow who comes, changes and goes",
      },
    ],
  },
];
