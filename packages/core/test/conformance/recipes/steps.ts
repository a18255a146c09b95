/** What clients of etcd's own lock and election services do; a place in a queue is known by its name and its lease. */
export type RecipeStep =
  | { readonly grant: bigint }
  | { readonly revoke: bigint }
  /** Enters the queue of a lock, or of an election: it answers at once, or waits. */
  | { readonly lock: string; readonly lease: bigint }
  | { readonly campaign: string; readonly lease: bigint; readonly value: string }
  | { readonly unlock: string; readonly lease: bigint }
  | { readonly resign: string; readonly lease: bigint }
  | { readonly proclaim: string; readonly lease: bigint; readonly value: string }
  | { readonly leader: string }
  /** Somebody deletes a place behind the service's back. */
  | { readonly remove: string; readonly lease: bigint };
