import { type Permission as WirePermission, PermissionType } from "@quorumkit/proto";
import { EtcdError } from "../errors/etcd-error.ts";
import { fromWireRange, type KeyRange } from "../kv/key-range.ts";
import { describe } from "../util/validate.ts";

/** What a role may do with keys. */
export type Access = "read" | "write" | "readwrite";

const TYPES: Readonly<Record<Access, PermissionType>> = {
  read: PermissionType.READ,
  write: PermissionType.WRITE,
  readwrite: PermissionType.READWRITE,
};

export interface Permission {
  readonly access: Access;
  /** The keys, as bytes, in the form that takes the permission back when given to `roleRevokePermission`. */
  readonly range: KeyRange;
}

export function toPermissionType(access: Access): PermissionType {
  if (typeof access !== "string" || !Object.hasOwn(TYPES, access))
    throw new TypeError(
      `access must be one of ${Object.keys(TYPES).join(", ")}, received ${describe(access)}`,
    );
  return TYPES[access];
}

export function toPermission({ permType, key, rangeEnd }: WirePermission): Permission {
  const found = Object.entries(TYPES).find(([, type]) => type === permType);
  if (found === undefined) throw new EtcdError("PROTOCOL", `a role has a permission of type ${permType}`);
  return { access: found[0] as Access, range: fromWireRange({ key, rangeEnd }) };
}
