/** What the fixtures need of an etcd: all that this package starts has it, and what you start by other means may as well. */
export interface TestEtcd {
  /** Its client URLs. */
  readonly endpoints: readonly string[];
  /** Takes faults back; called after each test. */
  heal?(): void;
  /** Ends it. */
  close(): Promise<void>;
}

/** What tests get from the fixtures. */
export interface EtcdFixtures<Server> {
  /** The etcd. */
  readonly etcd: Server;
  /**
   * A prefix for keys that no other test has, in no file; it begins with the test's name and ends in "/". For a client, a
   * namespace: `new EtcdClient({ endpoints: etcd.endpoints, namespace })`.
   */
  readonly namespace: string;
}
