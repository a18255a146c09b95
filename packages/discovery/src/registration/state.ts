import type { EtcdError } from "@quorumkit/core";

/**
 * Where a registration stands.
 *
 * - `registering`: not in etcd yet
 * - `registered`: its key is in etcd, with its value, on a living lease
 * - `lost`: it was, and is being brought back
 * - `conflict`: somebody else has a key of its id; it takes its place when that key goes
 * - `leaving`: its key is being deleted
 * - `closed`: nothing of it is left; final
 */
export type RegistrationState = "registering" | "registered" | "lost" | "conflict" | "leaving" | "closed";

/** A state with what is known in it. */
export type State =
  | { readonly name: "registering" | "leaving" | "closed" }
  | { readonly name: "registered"; readonly leaseId: bigint; readonly revision: bigint }
  | { readonly name: "lost" | "conflict"; readonly reason: EtcdError };

/** What can happen to a registration. */
export type Happening =
  /** The key is in etcd, as wanted. */
  | { readonly type: "claimed"; readonly leaseId: bigint; readonly revision: bigint }
  /** The lease ended, or the key was deleted or overwritten. */
  | { readonly type: "lost"; readonly reason: EtcdError }
  /** The key belongs to somebody else. */
  | { readonly type: "taken"; readonly reason: EtcdError }
  /** A try failed, and will be repeated. */
  | { readonly type: "failed"; readonly reason: EtcdError }
  | { readonly type: "leave" }
  | { readonly type: "gone" };

export const REGISTERING: State = { name: "registering" };

/** The one place that says what follows from what. Returns the same state where nothing follows. */
export function transition(state: State, happening: Happening): State {
  if (state.name === "closed") return state;
  if (happening.type === "gone") return { name: "closed" };
  if (state.name === "leaving") return state;
  switch (happening.type) {
    case "claimed":
      return { name: "registered", leaseId: happening.leaseId, revision: happening.revision };
    case "lost":
      return state.name === "registered" ? { name: "lost", reason: happening.reason } : state;
    case "taken":
      return { name: "conflict", reason: happening.reason };
    case "failed":
      // The try is repeated, and until then everything stays as it is: a failed update leaves the key in etcd.
      return state;
    case "leave":
      return { name: "leaving" };
  }
}
