import { describe, refuseUnknown } from "../util/validate.ts";

/** What a new user logs in with: a password, or, with `noPassword`, only a certificate's common name. */
export type UserCredentials =
  | {
      /** What the user logs in with. */
      readonly password: string;
      /** Not beside a password. */
      readonly noPassword?: false | undefined;
    }
  | {
      /** The user has no password, and is known by a certificate only. */
      readonly noPassword: true;
      /** Not beside `noPassword`. */
      readonly password?: undefined;
    };

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
  // Not shown, whatever it is: a password given in the wrong place is a password.
  if (typeof options !== "object" || options === null)
    throw new TypeError("userAdd takes { password } or { noPassword: true } as its options");
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
