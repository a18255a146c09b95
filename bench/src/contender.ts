/** In seconds. */
export const LEASE_TTL_S = 15;

/** One way to talk to etcd from Node, as the benchmark drives it. */
export interface Contender {
  get(key: string): Promise<unknown>;
  put(key: string, value: string): Promise<unknown>;
  /** Watches a prefix from a revision on, 0 for from now; calls `onEvents` with how many events came. Resolves once it stands. */
  watch(prefix: string, startRevision: bigint, onEvents: (count: number) => void): Promise<void>;
  /** Keeps a new lease of {@link LEASE_TTL_S} alive until the process ends; its id. */
  keepLease(): Promise<bigint>;
  close(): Promise<void>;
}

export const CONTENDERS = ["quorumkit", "etcd3", "grpc-js"] as const;
export type ContenderName = (typeof CONTENDERS)[number];

export async function connect(name: ContenderName, endpoint: string): Promise<Contender> {
  switch (name) {
    case "quorumkit":
      return (await import("./contenders/quorumkit.ts")).connect(endpoint);
    case "etcd3":
      return (await import("./contenders/etcd3.ts")).connect(endpoint);
    case "grpc-js":
      return (await import("./contenders/grpc-js.ts")).connect(endpoint);
  }
}
