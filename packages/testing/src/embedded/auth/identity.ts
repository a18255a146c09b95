import type { PermissionRanges } from "./permission-ranges.ts";

/** What a token says: who calls, and how far the auth store was when the token was looked at. */
export interface Identity {
  readonly user: string;
  readonly authRevision: bigint;
}

/** Who may do what, as it stands now. */
export interface Privileges {
  /** Whether authentication is on; without it everybody may do everything. */
  readonly enabled: boolean;
  /** Grows with every change to users and roles, and when authentication is turned off. */
  readonly revision: bigint;
  hasUser(user: string): boolean;
  /** Whether the user has the role `root`, and so may do everything. */
  isRoot(user: string): boolean;
  /** What the other roles of a user allow. */
  rangesOf(user: string): PermissionRanges;
}
