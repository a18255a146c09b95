import { compareVersions } from "../../version.ts";

/**
 * In what the releases of etcd differ about authentication. What releases before 3.5.29 and 3.6.10, and 3.4, do not ask for by
 * mistake (CVE-2026-33413, CVE-2026-33343) is asked for all the same.
 */
export interface AuthRules {
  /** Whether `Maintenance.Status` needs the role `root`, or just a user. */
  readonly statusNeedsRoot: boolean;
  /** Whether `Auth.AuthStatus` needs the role `root`, or nothing. */
  readonly authStatusNeedsRoot: boolean;
  /** Whether defragment, hash and snapshot are refused with UNKNOWN and the inner text of the error. */
  readonly refusalsAreRaw: boolean;
  /** Whether the role `root`, when there is one, is shown with the permission for everything. */
  readonly rootRoleShowsAll: boolean;
}

/** The rules of a release such as "3.6.4"; of a line such as "3.6", those of its last release. */
export function authRules(version: string): AuthRules {
  const release = version.split(".").length > 2 ? version : `${version}.999`;
  const isFrom = (other: string): boolean => compareVersions(release, other) >= 0;
  return {
    statusNeedsRoot: !isFrom("3.5.32") || (isFrom("3.6.0") && !isFrom("3.6.12")),
    authStatusNeedsRoot: !isFrom("3.7.0"),
    refusalsAreRaw: !isFrom("3.6.0"),
    rootRoleShowsAll: isFrom("3.6.0"),
  };
}
