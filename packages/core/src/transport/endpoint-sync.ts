import type { MemberListResponse, StatusResponse } from "@quorumkit/proto";
import type { EndpointPool } from "./endpoint-pool.ts";
import type { Endpoint } from "./endpoint.ts";
import { memberAddresses } from "./member-addresses.ts";

export interface SyncContext {
  readonly pool: EndpointPool;
  readonly intervalMs: number;
  /** Aborts when the client closes. */
  readonly closing: AbortSignal;
  memberList(): Promise<MemberListResponse>;
  status(endpoint: Endpoint): Promise<StatusResponse>;
}

/**
 * Completes the endpoints from the cluster's member list, from time to time while the client is in use. A member's
 * address is used once it has answered for the same cluster; what it advertises may be for other eyes. Learners are left out.
 * The user's own endpoints stay, for when no member works. A list that cannot be had changes nothing.
 */
export class EndpointSync {
  readonly #context: SyncContext;
  #timer: NodeJS.Timeout | undefined;
  #running = false;
  #used = false;

  constructor(context: SyncContext) {
    this.#context = context;
  }

  /** The client is in use. On the way of every call. */
  wake(): void {
    this.#used = true;
    if (this.#timer === undefined && !this.#running) void this.#turn();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  async #turn(): Promise<void> {
    const { pool, intervalMs, closing } = this.#context;
    this.#timer = undefined;
    // Nobody would need it; the next use brings it about.
    if (closing.aborted || (!this.#used && !pool.busy)) return;
    this.#used = false;
    this.#running = true;
    try {
      await this.#sync();
      pool.monitor.synced(undefined);
    } catch (error) {
      if (!closing.aborted) pool.monitor.synced(error as Error);
    }
    this.#running = false;
    if (closing.aborted) return;
    this.#timer = setTimeout(() => void this.#turn(), intervalMs);
    this.#timer.unref();
  }

  async #sync(): Promise<void> {
    const { pool } = this.#context;
    const { header, members } = await this.#context.memberList();
    const clusterId = header?.clusterId;
    const places = memberAddresses(
      members,
      pool.seeds.map(({ address }) => address),
    );
    for (const { addresses } of places.filter(({ isLearner }) => isLearner)) {
      for (const { target } of addresses) find(pool, target)?.foundLearner("the member is a learner");
    }
    const voters = places.filter(({ isLearner }) => !isLearner);
    const found = await Promise.all(
      voters.map(async ({ addresses }) => {
        const known = addresses.map(({ target }) => find(pool, target)).find((each) => each !== undefined);
        if (known !== undefined) return known;
        for (const address of addresses) {
          const endpoint = pool.make(address);
          if (await this.#serves(endpoint, clusterId)) return endpoint;
          endpoint.close();
        }
        return undefined;
      }),
    );
    if (this.#context.closing.aborted) {
      for (const each of found) each?.close();
      return;
    }
    pool.adopt(found.filter((each) => each !== undefined));
  }

  async #serves(endpoint: Endpoint, clusterId: bigint | undefined): Promise<boolean> {
    try {
      const status = await this.#context.status(endpoint);
      return status.header?.clusterId === clusterId;
    } catch {
      // not from here, or not for this user
      return false;
    }
  }
}

function find(pool: EndpointPool, target: string): Endpoint | undefined {
  return pool.endpoints.find(({ address }) => address.target === target);
}
