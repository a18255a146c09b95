import type { Metadata } from "@grpc/grpc-js";
import { PermissionType } from "@quorumkit/proto";
import type { AuthUserAddRequest, AuthUserChangePasswordRequest, Permission } from "@quorumkit/proto";
import { errors } from "../errors.ts";
import { AuthAccess } from "./auth-access.ts";
import type { Identity, Privileges } from "./identity.ts";
import { PermissionRanges } from "./permission-ranges.ts";
import { ROOT_ROLE, RoleBook } from "./roles.ts";
import { SimpleTokens } from "./tokens.ts";
import { UserBook } from "./users.ts";
import { authRules, type AuthRules } from "./rules.ts";

export interface AuthStoreOptions {
  /** Milliseconds of a clock that never goes back; tokens expire by it. */
  readonly clock: { now(): number };
  /** Seconds for which an unused token is good. Default 300, as etcd's `--auth-token-ttl`. */
  readonly tokenTtlSeconds?: number | undefined;
  /** Whose rules to follow where the versions differ, such as "3.5.30". Default "3.5". */
  readonly version?: string | undefined;
}

const ROOT_USER = "root";
const DEFAULT_TOKEN_TTL_SECONDS = 300;
const DEFAULT_VERSION = "3.5";
const BEARER = "Bearer ";
/** As etcd shows it; this is no range that could be granted. */
const EVERYTHING: Permission = {
  permType: PermissionType.READWRITE,
  key: Buffer.alloc(0),
  rangeEnd: Buffer.of(0),
};

/**
 * Users, roles, tokens, and who may do what: etcd's `server/auth/store.go`. It does not ask who calls its own methods;
 * that is done once for every RPC, in `requirements.ts`.
 */
export class AuthStore implements Privileges {
  readonly rules: AuthRules;
  readonly #users = new UserBook();
  readonly #roles = new RoleBook();
  readonly #tokens: SimpleTokens;
  readonly #ranges = new Map<string, PermissionRanges>();
  #enabled = false;
  #revision = 1n;

  constructor({
    clock,
    tokenTtlSeconds = DEFAULT_TOKEN_TTL_SECONDS,
    version = DEFAULT_VERSION,
  }: AuthStoreOptions) {
    this.rules = authRules(version);
    if (!Number.isFinite(tokenTtlSeconds) || tokenTtlSeconds <= 0) {
      throw new TypeError(`tokenTtlSeconds must be a number above 0, got ${String(tokenTtlSeconds)}`);
    }
    this.#tokens = new SimpleTokens(() => clock.now(), tokenTtlSeconds * 1_000);
  }

  get enabled(): boolean {
    return this.#enabled;
  }

  /** Grows with every change to users and roles, and when authentication is turned off. */
  get revision(): bigint {
    return this.#revision;
  }

  /** Needs a user `root` with the role `root`. */
  enable(): void {
    if (this.#enabled) return;
    if (!this.#users.has(ROOT_USER)) throw errors.rootUserNotExist();
    if (!this.#users.hasRole(ROOT_USER, ROOT_ROLE)) throw errors.rootRoleNotExist();
    this.#enabled = true;
  }

  /** All tokens end with it. */
  disable(): void {
    if (!this.#enabled) return;
    this.#enabled = false;
    this.#tokens.drop();
    this.#changed();
  }

  /** A token for the user with this password. */
  authenticate(name: string, password: string): string {
    if (!this.#enabled) throw errors.authNotEnabled();
    this.#users.checkPassword(name, password);
    return this.#tokens.assign(name);
  }

  /**
   * Who calls; the token counts as used. `undefined` when the call has no token, and while authentication is off.
   * @param member Each member measures the time since a token was last used on itself.
   * @throws StatusError UNAUTHENTICATED for a token that this member does not know (any more).
   */
  identify(metadata: Metadata, member: bigint = 0n): Identity | undefined {
    if (!this.#enabled) return undefined;
    const value = metadata.get("token")[0] ?? metadata.get("authorization")[0];
    if (value === undefined) return undefined;
    const text = value.toString();
    const token = text.startsWith(BEARER) ? text.slice(BEARER.length) : text;
    const user = this.#tokens.use(token, member);
    if (user === undefined) throw errors.invalidAuthToken();
    return { user, authRevision: this.#revision };
  }

  /** What the caller may do with keys; to be asked for anew at every request. */
  access(identity: Identity | undefined): AuthAccess {
    return new AuthAccess(this, identity);
  }

  /** @throws StatusError unless the caller has the role `root`, or authentication is off. */
  requireRoot(identity: Identity | undefined): void {
    if (!this.#enabled) return;
    if (identity === undefined) throw errors.userEmpty();
    if (!this.#users.has(identity.user)) throw errors.userNotFound();
    if (!this.isRoot(identity.user)) throw errors.permissionDenied();
  }

  /** @throws StatusError when the call has no token, unless authentication is off. */
  requireUser(identity: Identity | undefined): void {
    if (this.#enabled && identity === undefined) throw errors.userEmpty();
  }

  isRoot(user: string): boolean {
    return this.hasRole(user, ROOT_ROLE);
  }

  hasUser(user: string): boolean {
    return this.#users.has(user);
  }

  hasRole(user: string, role: string): boolean {
    return this.#users.hasRole(user, role);
  }

  /** What the roles of a user allow, `root` aside. */
  rangesOf(user: string): PermissionRanges {
    let ranges = this.#ranges.get(user);
    if (ranges === undefined) {
      // Whoever has the role root needs no permission, so it is no harm that this role need not be there to be granted.
      const roles = this.#users.roles(user).filter((role) => this.#roles.has(role));
      ranges = new PermissionRanges(roles.flatMap((role) => this.#roles.permissions(role)));
      this.#ranges.set(user, ranges);
    }
    return ranges;
  }

  addUser(request: AuthUserAddRequest): void {
    this.#users.add(request);
    this.#changed();
  }

  deleteUser(name: string): void {
    if (this.#enabled && name === ROOT_USER) throw errors.invalidAuthManagement();
    this.#users.delete(name);
    this.#changed();
    this.#tokens.dropUser(name);
  }

  changePassword(request: AuthUserChangePasswordRequest): void {
    this.#users.changePassword(request);
    this.#changed();
    this.#tokens.dropUser(request.name);
  }

  userNames(): string[] {
    return this.#users.names();
  }

  rolesOf(user: string): readonly string[] {
    return this.#users.roles(user);
  }

  /** The role `root` can be had without there being one. Tokens stay good: what they allow is looked up at every call. */
  grantRole(user: string, role: string): void {
    this.#users.roles(user);
    if (role !== ROOT_ROLE && !this.#roles.has(role)) throw errors.roleNotFound();
    if (this.#users.grantRole(user, role)) this.#changed();
  }

  revokeRole(user: string, role: string): void {
    if (this.#enabled && user === ROOT_USER && role === ROOT_ROLE) throw errors.invalidAuthManagement();
    this.#users.revokeRole(user, role);
    this.#changed();
  }

  addRole(name: string): void {
    this.#roles.add(name);
    this.#changed();
  }

  deleteRole(name: string): void {
    if (this.#enabled && name === ROOT_ROLE) throw errors.invalidAuthManagement();
    this.#roles.delete(name);
    this.#users.dropRole(name);
    this.#changed();
  }

  roleNames(): string[] {
    return this.#roles.names();
  }

  permissionsOf(role: string): readonly Permission[] {
    const permissions = this.#roles.permissions(role);
    return role === ROOT_ROLE && this.rules.rootRoleShowsAll ? [EVERYTHING] : permissions;
  }

  grantPermission(role: string, permission: Permission | null): void {
    this.#roles.grant(role, permission);
    this.#changed();
  }

  revokePermission(role: string, key: Uint8Array, rangeEnd: Uint8Array): void {
    this.#roles.revoke(role, key, rangeEnd);
    this.#changed();
  }

  /** Lets all tokens expire now, on every member. */
  expireTokens(): void {
    this.#tokens.drop();
  }

  /** One member forgets all tokens, as it does when it starts again; the others still know them. */
  forgetTokens(member: bigint): void {
    this.#tokens.drop(member);
  }

  /** No users, no roles, authentication off: as in a new cluster. */
  clear(): void {
    this.#users.clear();
    this.#roles.clear();
    this.#tokens.drop();
    this.#ranges.clear();
    this.#enabled = false;
    this.#revision = 1n;
  }

  #changed(): void {
    this.#revision += 1n;
    this.#ranges.clear();
  }
}
