import { describe, refuseUnknown } from "../util/validate.ts";

/** What a new user logs in with: a password, or, with `noPassword`, only a certificate's common name. */
export type UserCredentials =
  | { readonly password: string; readonly noPassword?: false | undefined }
  | { readonly noPassword: true; readonly password?: undefined };

/** Refuses a wrong password without showing it: not even its length. */
export function passwordOption(value: unknown): string {
  if (typeof value !== "string") throw new TypeError(`password must be a string, received a ${typeof value}`);
  if (value === "") throw new TypeError("password must not be empty");
  return value;
}

export function credentialsOption(
  options: { readonly password?: string | undefined; readonly noPassword?: boolean | undefined },
  known: readonly string[],
): { readonly password: string; readonly options: { readonly noPassword: boolean } } {
  refuseUnknown(options, ["password", "noPassword", ...known], "userAdd");
  const { password, noPassword = false } = options;
  if (typeof noPassword !== "boolean")
    throw new TypeError(`noPassword must be a boolean, received ${describe(noPassword)}`);
  if (noPassword) {
    if (password !== undefined) throw new TypeError("password must be absent with noPassword");
    return { password: "", options: { noPassword } };
  }
  if (password === undefined) throw new TypeError("password must be given, or noPassword be true");
  return { password: passwordOption(password), options: { noPassword } };
}
