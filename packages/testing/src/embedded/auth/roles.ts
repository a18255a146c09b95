import type { Permission } from "@quorumkit/proto";
import { errors } from "../errors.ts";
import { sortedNames } from "./names.ts";
import { isPermissionRange } from "./permission-ranges.ts";

/** The role that may do everything; its own permissions do not matter. */
export const ROOT_ROLE = "root";

/** The roles and their permissions, by the rules of `server/auth/store.go`. */
export class RoleBook {
  /** Each with its permissions, in the order of their keys. */
  readonly #roles = new Map<string, readonly Permission[]>();

  names(): string[] {
    return sortedNames(this.#roles.keys());
  }

  has(name: string): boolean {
    return this.#roles.has(name);
  }

  /** @throws StatusError when there is no such role. */
  permissions(name: string): readonly Permission[] {
    const permissions = this.#roles.get(name);
    if (permissions === undefined) throw errors.roleNotFound();
    return permissions;
  }

  add(name: string): void {
    if (name === "") throw errors.roleEmpty();
    if (this.#roles.has(name)) throw errors.roleAlreadyExists();
    this.#roles.set(name, []);
  }

  delete(name: string): void {
    if (!this.#roles.delete(name)) throw errors.roleNotFound();
  }

  /** Gives a permission to a role; one with the same range is replaced. */
  grant(name: string, permission: Permission | null): void {
    if (permission === null) throw errors.permissionNotGiven();
    const { key, rangeEnd } = permission;
    if (!isPermissionRange(key, rangeEnd)) throw errors.invalidAuthManagement();
    const permissions = this.permissions(name);
    const others = permissions.slice();
    // etcd looks at the first permission with this key only, so a second one can get a twin.
    const at = others.findIndex((other) => Buffer.compare(other.key, key) >= 0);
    const found = others[at];
    if (found !== undefined && isRange(found, key, rangeEnd)) others[at] = permission;
    else others.push(permission);
    this.#roles.set(
      name,
      others.sort((a, b) => Buffer.compare(a.key, b.key)),
    );
  }

  revoke(name: string, key: Uint8Array, rangeEnd: Uint8Array): void {
    const permissions = this.permissions(name);
    const left = permissions.filter((permission) => !isRange(permission, key, rangeEnd));
    if (left.length === permissions.length) throw errors.permissionNotGranted();
    this.#roles.set(name, left);
  }

  clear(): void {
    this.#roles.clear();
  }
}

function isRange(permission: Permission, key: Uint8Array, rangeEnd: Uint8Array): boolean {
  return Buffer.compare(permission.key, key) === 0 && Buffer.compare(permission.rangeEnd, rangeEnd) === 0;
}
