import { status } from "@grpc/grpc-js";
import { compareSync, hashSync, truncates } from "bcryptjs";
import { StatusError } from "../errors.ts";

// Far too little work for secrets worth keeping: here it only has to keep passwords out of a heap dump.
const COST = 4;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Tells whether a password is the right one. */
export type PasswordCheck = (password: string) => boolean;

/** @throws StatusError for a password that is too long for bcrypt. */
export function hashPassword(password: string): PasswordCheck {
  if (truncates(password)) throw passwordTooLong();
  return fits(hashSync(password, COST));
}

/**
 * Takes a bcrypt hash, in base64, in place of a password. Text that is no such hash fits no password. A login blocks for as
 * long as the hash's cost demands.
 * @throws StatusError when it is not base64.
 */
export function acceptHash(base64: string): PasswordCheck {
  const text = base64.replace(/[\r\n]/g, "");
  if (!BASE64.test(text)) throw notOfNoPasswordUser();
  return fits(Buffer.from(text, "base64").toString("latin1"));
}

function fits(hash: string): PasswordCheck {
  return (password) => {
    try {
      return compareSync(password, hash);
    } catch {
      return false;
    }
  };
}

/**
 * The error for the password of a user who has none, and, as etcd has it, for a hash that is not base64. It has no text for
 * clients, and so gets out as it is.
 */
export function notOfNoPasswordUser(): StatusError {
  return new StatusError(
    status.UNKNOWN,
    "auth: authentication failed, password was given for no password user",
  );
}

function passwordTooLong(): StatusError {
  return new StatusError(status.UNKNOWN, "bcrypt: password length exceeds 72 bytes");
}
