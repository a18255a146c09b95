import type { KvAccess } from "../kv/access.ts";
import type { KeySpan } from "../mvcc/key-span.ts";
import { errors } from "../errors.ts";
import type { Identity, Privileges } from "./identity.ts";
import type { PermissionRanges } from "./permission-ranges.ts";

const ONE_KEY = new Uint8Array();

/** What one caller may do with keys. It is good until users or roles are changed, and then throws that it is old. */
export class AuthAccess implements KvAccess {
  readonly #auth: Privileges;
  readonly #identity: Identity | undefined;

  constructor(auth: Privileges, identity: Identity | undefined) {
    this.#auth = auth;
    this.#identity = identity;
  }

  /** @throws StatusError unless all of these keys may be read. */
  read({ key, rangeEnd }: KeySpan): void {
    if (this.#ranges()?.mayRead(key, rangeEnd) === false) throw errors.permissionDenied();
  }

  /** @throws StatusError unless all of these keys may be written and deleted. */
  write({ key, rangeEnd }: KeySpan): void {
    if (this.#ranges()?.mayWrite(key, rangeEnd) === false) throw errors.permissionDenied();
  }

  /** @throws StatusError unless each of the keys, such as those of a lease, may be read; root may in any case. */
  readEach(keys: Iterable<Uint8Array>): void {
    if (this.#isRoot()) return;
    for (const key of keys) this.read({ key, rangeEnd: ONE_KEY });
  }

  /** @throws StatusError unless each of the keys, such as those of a lease, may be written; root may in any case. */
  writeEach(keys: Iterable<Uint8Array>): void {
    if (this.#isRoot()) return;
    for (const key of keys) this.write({ key, rangeEnd: ONE_KEY });
  }

  #isRoot(): boolean {
    return !this.#auth.enabled || (this.#identity !== undefined && this.#auth.isRoot(this.#identity.user));
  }

  /** `undefined` when everything is allowed. */
  #ranges(): PermissionRanges | undefined {
    if (!this.#auth.enabled) return undefined;
    if (this.#identity === undefined) throw errors.userEmpty();
    const { user, authRevision } = this.#identity;
    if (authRevision < this.#auth.revision) throw errors.authOldRevision();
    if (!this.#auth.hasUser(user)) throw errors.permissionDenied();
    return this.#auth.isRoot(user) ? undefined : this.#auth.rangesOf(user);
  }
}
