import { isEtcdError, type EtcdError } from "../errors/etcd-error.ts";
import { headerOf } from "../kv/header.ts";
import type { Connection } from "../transport/connection.ts";
import * as rpcs from "../transport/rpcs.ts";
import { pause } from "../util/abort.ts";
import { backoffMs } from "../util/backoff.ts";
import { type StorePoint, wentBack } from "./store-view.ts";
import type { Subscription } from "./subscription.ts";

const RETRY = { initialMs: 50, maxMs: 2_000 };

/** Some servers answer a linearizable read from the past when they have just been paused (etcd#21417, before 3.5.28). */
const SECOND_LOOK_MS = 250;

export interface HistoryListener {
  /** The member was behind, the store is not; or nobody may look. */
  onFine(subscription: Subscription): void;
  onGone(subscription: Subscription, error: EtcdError): void;
}

/**
 * Tells a member that lags from a store that went back. Either confirms a watch with a revision below one that has been
 * seen. But the watch of a restored store would wait in silence, for as long as it takes to get there again, and then go on
 * as if nothing had been. A linearizable read knows: no member answers that with less than all of them once had.
 */
export class HistoryCheck {
  readonly #connection: Connection;
  readonly #listener: HistoryListener;
  readonly #suspects = new Set<Subscription>();
  #running = false;

  constructor(connection: Connection, listener: HistoryListener) {
    this.#connection = connection;
    this.#listener = listener;
  }

  suspect(subscription: Subscription): void {
    this.#suspects.add(subscription);
    if (!this.#running) void this.#run();
  }

  forget(subscription: Subscription): void {
    this.#suspects.delete(subscription);
  }

  async #run(): Promise<void> {
    this.#running = true;
    for (let attempt = 0; this.#suspects.size > 0 && !this.#connection.closing.aborted;) {
      // What they know from here on the read may not know yet.
      const known = new Map([...this.#suspects].map((each) => [each, each.store.revision]));
      const store = await this.#look(known).catch((error: unknown) => error);
      if (isPoint(store)) {
        attempt = 0;
        for (const [subscription, revision] of known) this.#judge(subscription, revision, store);
      } else if (isEtcdError(store, "PERMISSION_DENIED", "UNAUTHENTICATED", "UNIMPLEMENTED")) {
        for (const subscription of known.keys()) {
          if (this.#suspects.delete(subscription)) this.#listener.onFine(subscription);
        }
      } else {
        await pause(backoffMs(attempt, RETRY), this.#connection.closing);
        attempt += 1;
      }
    }
    this.#running = false;
  }

  /** Where the store is; twice, when the first answer is bad news. */
  async #look(known: ReadonlyMap<Subscription, bigint>): Promise<StorePoint> {
    const [subscription] = known.keys();
    // A key the watch is about, since others may be forbidden.
    const request = { key: subscription?.range.key ?? new Uint8Array([0]), countOnly: true };
    const read = async (): Promise<StorePoint> =>
      headerOf(await this.#connection.unary(rpcs.range, request, {}));
    const first = await read();
    if ([...known.values()].every((revision) => revision <= first.revision)) return first;
    await pause(SECOND_LOOK_MS, this.#connection.closing);
    return read();
  }

  #judge(subscription: Subscription, known: bigint, store: StorePoint): void {
    if (!this.#suspects.delete(subscription)) return;
    const changed = subscription.store.see(store);
    if (changed !== undefined) this.#listener.onGone(subscription, changed);
    else if (store.revision < known) this.#listener.onGone(subscription, wentBack(known, store.revision));
    else this.#listener.onFine(subscription);
  }
}

function isPoint(value: unknown): value is StorePoint {
  return typeof value === "object" && value !== null && "clusterId" in value;
}
