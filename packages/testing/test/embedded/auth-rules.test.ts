import { expect, test } from "vitest";
import { authRules } from "../../src/embedded/auth/rules.ts";

// Read off etcd's sources at these tags: v3rpc/maintenance.go, apply_auth.go, auth/store.go.
test.each([
  [
    "3.5.30",
    { statusNeedsRoot: true, authStatusNeedsRoot: true, refusalsAreRaw: true, rootRoleShowsAll: false },
  ],
  [
    "3.5.32",
    { statusNeedsRoot: false, authStatusNeedsRoot: true, refusalsAreRaw: true, rootRoleShowsAll: false },
  ],
  [
    "3.5",
    { statusNeedsRoot: false, authStatusNeedsRoot: true, refusalsAreRaw: true, rootRoleShowsAll: false },
  ],
  [
    "3.6.0",
    { statusNeedsRoot: true, authStatusNeedsRoot: true, refusalsAreRaw: false, rootRoleShowsAll: true },
  ],
  [
    "3.6.11",
    { statusNeedsRoot: true, authStatusNeedsRoot: true, refusalsAreRaw: false, rootRoleShowsAll: true },
  ],
  [
    "3.6.12",
    { statusNeedsRoot: false, authStatusNeedsRoot: true, refusalsAreRaw: false, rootRoleShowsAll: true },
  ],
  [
    "3.6",
    { statusNeedsRoot: false, authStatusNeedsRoot: true, refusalsAreRaw: false, rootRoleShowsAll: true },
  ],
  [
    "3.7.1",
    { statusNeedsRoot: false, authStatusNeedsRoot: false, refusalsAreRaw: false, rootRoleShowsAll: true },
  ],
])("the rules of etcd %s", (version, rules) => {
  expect(authRules(version)).toEqual(rules);
});
