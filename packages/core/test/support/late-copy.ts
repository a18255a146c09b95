import { compare, EtcdClient, op, type Session } from "@quorumkit/core";
import { EmbeddedEtcd, type HeldCalls } from "@quorumkit/testing";

/** Two members, a client of both that is tried, and one that looks on. */
export class LateCopyGround implements AsyncDisposable {
  readonly server: EmbeddedEtcd;
  readonly client: EtcdClient;
  readonly other: EtcdClient;

  private constructor(server: EmbeddedEtcd) {
    this.server = server;
    this.client = new EtcdClient({ endpoints: server.endpoints });
    this.other = new EtcdClient({ endpoints: server.endpoints });
  }

  static async start(): Promise<LateCopyGround> {
    return new LateCopyGround(await EmbeddedEtcd.start({ members: 2, quiet: true }));
  }

  /**
   * Runs something whose first transaction is held by one member, which then breaks its connections, so that a second copy
   * goes to the other one. `release` lets the first copy run. `meanwhile` is called while it is held.
   */
  async run<T>(act: () => Promise<T>, meanwhile?: () => void): Promise<{ result: T; late: HeldCalls }> {
    const { members } = this.server;
    const holds = members.map(({ name: member }) =>
      this.server.hold("Txn", { before: true, late: true, member }),
    );
    const arrivals = holds.map(async (hold, index) => hold.reached().then(() => index));
    // Those without a call reject when they are released.
    for (const arrival of arrivals) arrival.catch(() => {});
    const acting = act();
    acting.catch(() => {});
    const holding = await Promise.race(arrivals);
    for (const [index, hold] of holds.entries()) if (index !== holding) hold.release();
    meanwhile?.();
    members[holding]?.dropConnections();
    return { result: await acting, late: holds[holding] as HeldCalls };
  }

  /** Lets a late copy run; gives the next two things that happen under `prefix`. */
  async ghostOf(prefix: string, letRun: () => void): Promise<string[]> {
    const startRevision = this.server.revision + 1n;
    letRun();
    const seen: string[] = [];
    for await (const { events } of this.other.watch({ prefix }, { startRevision })) {
      seen.push(...events.map(({ type }) => type));
      if (seen.length >= 2) break;
    }
    return seen;
  }

  /** Makes the key of a lock as a late copy does. */
  async makeGhost({ leaseId }: Session, name: string): Promise<void> {
    const key = `${name}/${leaseId.toString(16)}`;
    const absent = compare(key).createRevision.equals(0n);
    await this.other
      .txn()
      .if(absent)
      .then(op.put(key, "", { lease: leaseId }))
      .commit();
  }

  openWatches(): number {
    let open = 0;
    const count = (): boolean => {
      open += 1;
      return false;
    };
    this.server.dropStreams("Watch", { filter: count });
    return open;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
    await this.other.close();
    await this.server.close();
  }
}
