import { type KeyRange, toWireRange } from "../kv/key-range.ts";
import { printable } from "../kv/printable.ts";
import { CALL_OPTIONS, type CallOptions } from "../transport/call-options.ts";
import type { Connection } from "../transport/connection.ts";
import * as rpcs from "../transport/rpcs.ts";
import { describe, refuseUnknown } from "../util/validate.ts";
import { credentialsOption, passwordOption, type UserCredentials } from "./credentials.ts";
import { type Access, type Permission, toPermission, toPermissionType } from "./permission.ts";

export type UserAddOptions = UserCredentials & CallOptions;

export interface AuthStatus {
  readonly enabled: boolean;
  /** Counts the changes of users, roles and permissions. */
  readonly authRevision: bigint;
}

export interface User {
  readonly name: string;
  /** The names of its roles. */
  readonly roles: readonly string[];
}

export interface Role {
  readonly name: string;
  readonly permissions: readonly Permission[];
}

/**
 * Users, roles, and whether they count. Changes are never sent twice; what is there already is `ALREADY_EXISTS`, what is
 * not is `NOT_FOUND`. Passwords go to the server and are kept nowhere, and no error shows them.
 */
export class Auth {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** From now on every call needs a login. `FAILED_PRECONDITION` while there is no user `root` with the role `root`. */
  async enable(options: CallOptions = {}): Promise<void> {
    refuseUnknown(options, CALL_OPTIONS, "enable");
    await this.#connection.unary(rpcs.authEnable, {}, options);
  }

  /** From now on everybody may do everything. Users and roles are kept. */
  async disable(options: CallOptions = {}): Promise<void> {
    refuseUnknown(options, CALL_OPTIONS, "disable");
    await this.#connection.unary(rpcs.authDisable, {}, options);
  }

  /** Whether logins are needed. From etcd 3.5 on; earlier it is `UNIMPLEMENTED`. */
  async status(options: CallOptions = {}): Promise<AuthStatus> {
    refuseUnknown(options, CALL_OPTIONS, "status");
    const { enabled, authRevision } = await this.#connection.unary(rpcs.authStatus, {}, options);
    return printable({ enabled, authRevision });
  }

  /**
   * Checks a name and password, and gives a token that stands for them, for other tools and for the option `auth: { token }`
   * of other clients. This client logs in by itself and keeps nothing of this. A simple token lives for five minutes after
   * its last use unless etcd was told otherwise. `UNAUTHENTICATED` where they are wrong, `FAILED_PRECONDITION` while
   * authentication is not enabled.
   */
  async authenticate(user: string, password: string, options: CallOptions = {}): Promise<string> {
    refuseUnknown(options, CALL_OPTIONS, "authenticate");
    const request = { name: nameOf(user, "user"), password: passwordOption(password) };
    return (await this.#connection.unary(rpcs.authenticate, request, options)).token;
  }

  /** Adds a user without roles: `{ password }`, or `{ noPassword: true }` for one that has only certificates. */
  async userAdd(user: string, options: UserAddOptions): Promise<void> {
    const name = nameOf(user, "user");
    const credentials = credentialsOption(options, CALL_OPTIONS);
    const { signal, timeoutMs } = options;
    await this.#connection.unary(rpcs.userAdd, { name, ...credentials }, { signal, timeoutMs });
  }

  async userGet(user: string, options: CallOptions = {}): Promise<User> {
    refuseUnknown(options, CALL_OPTIONS, "userGet");
    const name = nameOf(user, "user");
    const { roles } = await this.#connection.unary(rpcs.userGet, { name }, options);
    return { name, roles };
  }

  /** The names of all users. */
  async userList(options: CallOptions = {}): Promise<readonly string[]> {
    refuseUnknown(options, CALL_OPTIONS, "userList");
    return (await this.#connection.unary(rpcs.userList, {}, options)).users;
  }

  async userDelete(user: string, options: CallOptions = {}): Promise<void> {
    refuseUnknown(options, CALL_OPTIONS, "userDelete");
    await this.#connection.unary(rpcs.userDelete, { name: nameOf(user, "user") }, options);
  }

  /** Sets a new password; the user's logins end with it. */
  async userChangePassword(user: string, password: string, options: CallOptions = {}): Promise<void> {
    refuseUnknown(options, CALL_OPTIONS, "userChangePassword");
    const request = { name: nameOf(user, "user"), password: passwordOption(password) };
    await this.#connection.unary(rpcs.userChangePassword, request, options);
  }

  async userGrantRole(user: string, role: string, options: CallOptions = {}): Promise<void> {
    refuseUnknown(options, CALL_OPTIONS, "userGrantRole");
    const request = { user: nameOf(user, "user"), role: nameOf(role, "role") };
    await this.#connection.unary(rpcs.userGrantRole, request, options);
  }

  /** `FAILED_PRECONDITION` when the user does not have the role. */
  async userRevokeRole(user: string, role: string, options: CallOptions = {}): Promise<void> {
    refuseUnknown(options, CALL_OPTIONS, "userRevokeRole");
    const request = { name: nameOf(user, "user"), role: nameOf(role, "role") };
    await this.#connection.unary(rpcs.userRevokeRole, request, options);
  }

  /** Adds a role without permissions. */
  async roleAdd(role: string, options: CallOptions = {}): Promise<void> {
    refuseUnknown(options, CALL_OPTIONS, "roleAdd");
    await this.#connection.unary(rpcs.roleAdd, { name: nameOf(role, "role") }, options);
  }

  async roleGet(role: string, options: CallOptions = {}): Promise<Role> {
    refuseUnknown(options, CALL_OPTIONS, "roleGet");
    const name = nameOf(role, "role");
    const { perm } = await this.#connection.unary(rpcs.roleGet, { role: name }, options);
    return { name, permissions: perm.map(toPermission) };
  }

  /** The names of all roles. */
  async roleList(options: CallOptions = {}): Promise<readonly string[]> {
    refuseUnknown(options, CALL_OPTIONS, "roleList");
    return (await this.#connection.unary(rpcs.roleList, {}, options)).roles;
  }

  /** Deletes a role, and takes it from every user. */
  async roleDelete(role: string, options: CallOptions = {}): Promise<void> {
    refuseUnknown(options, CALL_OPTIONS, "roleDelete");
    await this.#connection.unary(rpcs.roleDelete, { role: nameOf(role, "role") }, options);
  }

  /** Lets a role read or write keys. A permission it has for exactly this range is replaced. */
  async roleGrantPermission(
    role: string,
    range: KeyRange,
    access: Access,
    options: CallOptions = {},
  ): Promise<void> {
    refuseUnknown(options, CALL_OPTIONS, "roleGrantPermission");
    const perm = { permType: toPermissionType(access), ...toWireRange(range, "range") };
    await this.#connection.unary(rpcs.roleGrantPermission, { name: nameOf(role, "role"), perm }, options);
  }

  /** Takes back what was granted for exactly this range; `FAILED_PRECONDITION` when nothing was. */
  async roleRevokePermission(role: string, range: KeyRange, options: CallOptions = {}): Promise<void> {
    refuseUnknown(options, CALL_OPTIONS, "roleRevokePermission");
    const request = { role: nameOf(role, "role"), ...toWireRange(range, "range") };
    await this.#connection.unary(rpcs.roleRevokePermission, request, options);
  }
}

function nameOf(value: string, what: "user" | "role"): string {
  if (typeof value !== "string" || value === "")
    throw new TypeError(`${what} must be a non-empty string, received ${describe(value)}`);
  return value;
}
