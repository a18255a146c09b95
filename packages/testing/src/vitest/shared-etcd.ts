/** Under which name Vitest carries it from its main process to the tests. */
export const SHARED_ETCD = "@quorumkit/testing";

/** An etcd outside of the test's process. */
export interface SharedEtcd {
  /** The client URL of the first member. */
  readonly endpoint: string;
  /** The client URLs of all members. */
  readonly endpoints: readonly string[];
}

declare module "vitest" {
  // What `provide` takes and `inject` gives, by key.
  interface ProvidedContext {
    "@quorumkit/testing"?: SharedEtcd;
  }
}
