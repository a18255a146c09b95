// Generated from proto/**/*.proto by scripts/generate.mjs. Do not edit.

export interface UserAddOptions {
  /** The user can only log in by the common name of a client certificate. */
  readonly noPassword: boolean;
}

/** {@link UserAddOptions} to be encoded. */
export interface UserAddOptionsInput {
  noPassword?: boolean | undefined;
}

export const PermissionType = {
  READ: 0,
  WRITE: 1,
  READWRITE: 2,
} as const;
export type PermissionType = (typeof PermissionType)[keyof typeof PermissionType];

/** What a role may do with a key or a key range. */
export interface Permission {
  readonly permType: PermissionType;
  readonly key: Buffer;
  /** As in RangeRequest.rangeEnd. */
  readonly rangeEnd: Buffer;
}

/** {@link Permission} to be encoded. */
export interface PermissionInput {
  permType?: PermissionType | undefined;
  key?: Uint8Array | undefined;
  rangeEnd?: Uint8Array | undefined;
}
