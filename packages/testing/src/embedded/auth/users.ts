import type { AuthUserAddRequest, AuthUserChangePasswordRequest } from "@quorumkit/proto";
import { errors } from "../errors.ts";
import { sortedNames } from "./names.ts";
import { acceptHash, hashPassword, notOfNoPasswordUser, type PasswordCheck } from "./password.ts";

interface User {
  /** `undefined` of a user who has none. */
  readonly isPassword: PasswordCheck | undefined;
  /** In the order of their bytes. */
  readonly roles: readonly string[];
}

/** The users, their passwords and the names of their roles, by the rules of `server/auth/store.go`. */
export class UserBook {
  readonly #users = new Map<string, User>();

  names(): string[] {
    return sortedNames(this.#users.keys());
  }

  has(name: string): boolean {
    return this.#users.has(name);
  }

  /** @throws StatusError when there is no such user. */
  roles(name: string): readonly string[] {
    return this.#get(name).roles;
  }

  hasRole(name: string, role: string): boolean {
    return this.#users.get(name)?.roles.includes(role) ?? false;
  }

  /** `hashedPassword` does not matter: etcd puts its own hash there, that of an empty password too. */
  add({ name, password, options }: Pick<AuthUserAddRequest, "name" | "password" | "options">): void {
    const isPassword = options?.noPassword === true ? undefined : hashPassword(password);
    if (name === "") throw errors.userEmpty();
    if (this.#users.has(name)) throw errors.userAlreadyExists();
    this.#users.set(name, { isPassword, roles: [] });
  }

  delete(name: string): void {
    if (!this.#users.delete(name)) throw errors.userNotFound();
  }

  /** Without a password the hash is taken as it is given, and without that as well no password fits any more. */
  changePassword({ name, password, hashedPassword }: AuthUserChangePasswordRequest): void {
    const isPassword = password === "" ? undefined : hashPassword(password);
    const user = this.#get(name);
    if (user.isPassword === undefined) return;
    this.#users.set(name, { ...user, isPassword: isPassword ?? acceptHash(hashedPassword) });
  }

  /** @returns whether the user did not have the role yet. */
  grantRole(name: string, role: string): boolean {
    const user = this.#get(name);
    if (user.roles.includes(role)) return false;
    this.#users.set(name, { ...user, roles: sortedNames([...user.roles, role]) });
    return true;
  }

  revokeRole(name: string, role: string): void {
    const user = this.#get(name);
    if (!user.roles.includes(role)) throw errors.roleNotGranted();
    this.#users.set(name, { ...user, roles: user.roles.filter((other) => other !== role) });
  }

  /** Takes a role that is no more from everybody. */
  dropRole(role: string): void {
    for (const name of this.#users.keys()) {
      if (this.hasRole(name, role)) this.revokeRole(name, role);
    }
  }

  /** @throws StatusError when this is not the user's password, or the user is not there or has none. */
  checkPassword(name: string, password: string): void {
    const user = this.#users.get(name);
    if (user === undefined) throw errors.authFailed();
    if (user.isPassword === undefined) throw notOfNoPasswordUser();
    if (!user.isPassword(password)) throw errors.authFailed();
  }

  clear(): void {
    this.#users.clear();
  }

  #get(name: string): User {
    const user = this.#users.get(name);
    if (user === undefined) throw errors.userNotFound();
    return user;
  }
}
