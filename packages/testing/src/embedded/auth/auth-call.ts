import type { Metadata } from "@grpc/grpc-js";
import type { AuthAccess } from "./auth-access.ts";
import type { AuthStore } from "./auth-store.ts";
import type { Identity } from "./identity.ts";

/** What the checks need of the leases. */
export interface LeasedKeys {
  /** The ids of all leases. */
  list(): readonly bigint[];
  /** The keys attached to a lease; none when there is no such lease. */
  keysOf(id: bigint): readonly Uint8Array[];
}

/** What the checks need of a call. */
export interface CallToCheck {
  readonly state: { readonly auth: AuthStore; readonly leases: LeasedKeys };
  readonly member: { readonly id: bigint };
  readonly metadata: Metadata;
}

/** A call whose caller is asked for. */
export class AuthCall {
  readonly auth: AuthStore;
  readonly leases: LeasedKeys;
  readonly #memberId: bigint;
  readonly #metadata: Metadata;

  constructor({ state, member, metadata }: CallToCheck) {
    this.auth = state.auth;
    this.leases = state.leases;
    this.#memberId = member.id;
    this.#metadata = metadata;
  }

  /** Who calls, by the token as it stands now; see {@link AuthStore.identify}. */
  identity(): Identity | undefined {
    return this.auth.identify(this.#metadata, this.#memberId);
  }

  access(): AuthAccess {
    return this.auth.access(this.identity());
  }

  requireUser(): void {
    this.auth.requireUser(this.identity());
  }

  requireRoot(): void {
    this.auth.requireRoot(this.identity());
  }
}
