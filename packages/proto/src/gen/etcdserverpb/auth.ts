// Generated from proto/**/*.proto by scripts/generate.mjs. Do not edit.

import type { Permission, PermissionInput, UserAddOptions, UserAddOptionsInput } from "../authpb/auth.ts";
import type { ResponseHeader, ResponseHeaderInput } from "../etcdserverpb/header.ts";

export type AuthEnableRequest = Readonly<Record<string, never>>;

export type AuthEnableRequestInput = Readonly<Record<string, never>>;

export interface AuthEnableResponse {
  readonly header: ResponseHeader | null;
}

/** {@link AuthEnableResponse} to be encoded. */
export interface AuthEnableResponseInput {
  header?: ResponseHeaderInput | null | undefined;
}

export type AuthDisableRequest = Readonly<Record<string, never>>;

export type AuthDisableRequestInput = Readonly<Record<string, never>>;

export interface AuthDisableResponse {
  readonly header: ResponseHeader | null;
}

/** {@link AuthDisableResponse} to be encoded. */
export interface AuthDisableResponseInput {
  header?: ResponseHeaderInput | null | undefined;
}

export type AuthStatusRequest = Readonly<Record<string, never>>;

export type AuthStatusRequestInput = Readonly<Record<string, never>>;

export interface AuthStatusResponse {
  readonly header: ResponseHeader | null;
  readonly enabled: boolean;
  /** Grows with every change to users and roles. */
  readonly authRevision: bigint;
}

/** {@link AuthStatusResponse} to be encoded. */
export interface AuthStatusResponseInput {
  header?: ResponseHeaderInput | null | undefined;
  enabled?: boolean | undefined;
  authRevision?: bigint | undefined;
}

export interface AuthenticateRequest {
  readonly name: string;
  readonly password: string;
}

/** {@link AuthenticateRequest} to be encoded. */
export interface AuthenticateRequestInput {
  name?: string | undefined;
  password?: string | undefined;
}

export interface AuthenticateResponse {
  readonly header: ResponseHeader | null;
  /** Goes into the metadata `token` of later calls. */
  readonly token: string;
}

/** {@link AuthenticateResponse} to be encoded. */
export interface AuthenticateResponseInput {
  header?: ResponseHeaderInput | null | undefined;
  token?: string | undefined;
}

export interface AuthUserAddRequest {
  readonly name: string;
  readonly password: string;
  readonly options: UserAddOptions | null;
  /** bcrypt hash in base64, in place of the password. */
  readonly hashedPassword: string;
}

/** {@link AuthUserAddRequest} to be encoded. */
export interface AuthUserAddRequestInput {
  name?: string | undefined;
  password?: string | undefined;
  options?: UserAddOptionsInput | null | undefined;
  hashedPassword?: string | undefined;
}

export interface AuthUserAddResponse {
  readonly header: ResponseHeader | null;
}

/** {@link AuthUserAddResponse} to be encoded. */
export interface AuthUserAddResponseInput {
  header?: ResponseHeaderInput | null | undefined;
}

export interface AuthUserGetRequest {
  readonly name: string;
}

/** {@link AuthUserGetRequest} to be encoded. */
export interface AuthUserGetRequestInput {
  name?: string | undefined;
}

export interface AuthUserGetResponse {
  readonly header: ResponseHeader | null;
  readonly roles: string[];
}

/** {@link AuthUserGetResponse} to be encoded. */
export interface AuthUserGetResponseInput {
  header?: ResponseHeaderInput | null | undefined;
  roles?: readonly string[] | undefined;
}

export type AuthUserListRequest = Readonly<Record<string, never>>;

export type AuthUserListRequestInput = Readonly<Record<string, never>>;

export interface AuthUserListResponse {
  readonly header: ResponseHeader | null;
  readonly users: string[];
}

/** {@link AuthUserListResponse} to be encoded. */
export interface AuthUserListResponseInput {
  header?: ResponseHeaderInput | null | undefined;
  users?: readonly string[] | undefined;
}

export interface AuthUserDeleteRequest {
  readonly name: string;
}

/** {@link AuthUserDeleteRequest} to be encoded. */
export interface AuthUserDeleteRequestInput {
  name?: string | undefined;
}

export interface AuthUserDeleteResponse {
  readonly header: ResponseHeader | null;
}

/** {@link AuthUserDeleteResponse} to be encoded. */
export interface AuthUserDeleteResponseInput {
  header?: ResponseHeaderInput | null | undefined;
}

export interface AuthUserChangePasswordRequest {
  readonly name: string;
  readonly password: string;
  /** As in AuthUserAddRequest.hashedPassword. */
  readonly hashedPassword: string;
}

/** {@link AuthUserChangePasswordRequest} to be encoded. */
export interface AuthUserChangePasswordRequestInput {
  name?: string | undefined;
  password?: string | undefined;
  hashedPassword?: string | undefined;
}

export interface AuthUserChangePasswordResponse {
  readonly header: ResponseHeader | null;
}

/** {@link AuthUserChangePasswordResponse} to be encoded. */
export interface AuthUserChangePasswordResponseInput {
  header?: ResponseHeaderInput | null | undefined;
}

export interface AuthUserGrantRoleRequest {
  readonly user: string;
  readonly role: string;
}

/** {@link AuthUserGrantRoleRequest} to be encoded. */
export interface AuthUserGrantRoleRequestInput {
  user?: string | undefined;
  role?: string | undefined;
}

export interface AuthUserGrantRoleResponse {
  readonly header: ResponseHeader | null;
}

/** {@link AuthUserGrantRoleResponse} to be encoded. */
export interface AuthUserGrantRoleResponseInput {
  header?: ResponseHeaderInput | null | undefined;
}

export interface AuthUserRevokeRoleRequest {
  readonly name: string;
  readonly role: string;
}

/** {@link AuthUserRevokeRoleRequest} to be encoded. */
export interface AuthUserRevokeRoleRequestInput {
  name?: string | undefined;
  role?: string | undefined;
}

export interface AuthUserRevokeRoleResponse {
  readonly header: ResponseHeader | null;
}

/** {@link AuthUserRevokeRoleResponse} to be encoded. */
export interface AuthUserRevokeRoleResponseInput {
  header?: ResponseHeaderInput | null | undefined;
}

export interface AuthRoleAddRequest {
  readonly name: string;
}

/** {@link AuthRoleAddRequest} to be encoded. */
export interface AuthRoleAddRequestInput {
  name?: string | undefined;
}

export interface AuthRoleAddResponse {
  readonly header: ResponseHeader | null;
}

/** {@link AuthRoleAddResponse} to be encoded. */
export interface AuthRoleAddResponseInput {
  header?: ResponseHeaderInput | null | undefined;
}

export interface AuthRoleGetRequest {
  readonly role: string;
}

/** {@link AuthRoleGetRequest} to be encoded. */
export interface AuthRoleGetRequestInput {
  role?: string | undefined;
}

export interface AuthRoleGetResponse {
  readonly header: ResponseHeader | null;
  readonly perm: Permission[];
}

/** {@link AuthRoleGetResponse} to be encoded. */
export interface AuthRoleGetResponseInput {
  header?: ResponseHeaderInput | null | undefined;
  perm?: readonly PermissionInput[] | undefined;
}

export type AuthRoleListRequest = Readonly<Record<string, never>>;

export type AuthRoleListRequestInput = Readonly<Record<string, never>>;

export interface AuthRoleListResponse {
  readonly header: ResponseHeader | null;
  readonly roles: string[];
}

/** {@link AuthRoleListResponse} to be encoded. */
export interface AuthRoleListResponseInput {
  header?: ResponseHeaderInput | null | undefined;
  roles?: readonly string[] | undefined;
}

export interface AuthRoleDeleteRequest {
  readonly role: string;
}

/** {@link AuthRoleDeleteRequest} to be encoded. */
export interface AuthRoleDeleteRequestInput {
  role?: string | undefined;
}

export interface AuthRoleDeleteResponse {
  readonly header: ResponseHeader | null;
}

/** {@link AuthRoleDeleteResponse} to be encoded. */
export interface AuthRoleDeleteResponseInput {
  header?: ResponseHeaderInput | null | undefined;
}

export interface AuthRoleGrantPermissionRequest {
  /** The role. */
  readonly name: string;
  readonly perm: Permission | null;
}

/** {@link AuthRoleGrantPermissionRequest} to be encoded. */
export interface AuthRoleGrantPermissionRequestInput {
  name?: string | undefined;
  perm?: PermissionInput | null | undefined;
}

export interface AuthRoleGrantPermissionResponse {
  readonly header: ResponseHeader | null;
}

/** {@link AuthRoleGrantPermissionResponse} to be encoded. */
export interface AuthRoleGrantPermissionResponseInput {
  header?: ResponseHeaderInput | null | undefined;
}

export interface AuthRoleRevokePermissionRequest {
  readonly role: string;
  readonly key: Buffer;
  readonly rangeEnd: Buffer;
}

/** {@link AuthRoleRevokePermissionRequest} to be encoded. */
export interface AuthRoleRevokePermissionRequestInput {
  role?: string | undefined;
  key?: Uint8Array | undefined;
  rangeEnd?: Uint8Array | undefined;
}

export interface AuthRoleRevokePermissionResponse {
  readonly header: ResponseHeader | null;
}

/** {@link AuthRoleRevokePermissionResponse} to be encoded. */
export interface AuthRoleRevokePermissionResponseInput {
  header?: ResponseHeaderInput | null | undefined;
}
