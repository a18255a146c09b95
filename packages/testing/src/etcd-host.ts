/** Where one member of a cluster is. */
export interface MemberAddress {
  /** Its name in the cluster, such as "etcd0". */
  readonly name: string;
  readonly clientPort: number;
  readonly peerPort: number;
  /** What it tells others to use. Default: its own ports. */
  readonly advertised?: AdvertisedUrls;
}

/** Where clients and the other members reach a member that is not reached on its own ports. */
export interface AdvertisedUrls {
  readonly clientUrl: string;
  readonly peerUrl: string;
}

/** An etcd of one version that can be run here, any number of times. */
export interface EtcdInstallation {
  readonly version: string;
  /** Where it is from, for people: "the Debian package (trixie), /home/…/etcd". */
  readonly description: string;
  /** The host part of the URLs on which clients reach it. */
  readonly clientHost: string;
  /** The host part of the URLs on which etcd must listen. */
  readonly listenHost: string;
  /** The host part of the URL on which the other members reach this one. */
  peerHost(memberName: string): string;
  /** A place for each member of one cluster; none of them runs yet. */
  open(members: readonly MemberAddress[], env: Readonly<Record<string, string>>): Promise<EtcdHost[]>;
}

/** The signals that tests send to an etcd. */
export type EtcdSignal = "SIGKILL" | "SIGTERM" | "SIGSTOP" | "SIGCONT";

/**
 * What runs one etcd with its data: a process of this machine, or a container. Everything an {@link EtcdServer} does goes
 * through this.
 */
export interface EtcdHost {
  /** Where the data is, as etcd itself sees it. */
  readonly dataDir: string;
  /** The process id while it runs; in a container, as the machine that runs the containers sees it. */
  readonly pid: number | undefined;
  /**
   * Starts etcd with these flags, on the data it left. Resolves when the process exists, which is before it is ready.
   * @throws AddressInUseError when that shows before the process exists.
   */
  start(flags: readonly string[]): Promise<void>;
  /** Sends a signal; nothing happens when etcd does not run. */
  signal(name: EtcdSignal): Promise<void>;
  /** Resolves when etcd does not run (any more). */
  exited(): Promise<void>;
  /** The end of what etcd has logged, over all its starts; while it runs in a container, a moment behind. */
  logs(): string;
  /** Ends etcd, and removes its data. */
  close(): Promise<void>;
}

/** A port that etcd was to have is somebody else's. */
export class AddressInUseError extends Error {}
