import { EtcdError } from "../errors/etcd-error.ts";
import { checkName } from "../queue/fair-queue.ts";
import { toQueueKey } from "../queue/ticket.ts";
import { type Look, waitUntil } from "../queue/wait-until.ts";
import type { WaitingCallOptions } from "../services/waiting-call.ts";
import { CALL_OPTIONS, type CallOptions, checkCallOptions } from "../transport/call-options.ts";
import { compare } from "../txn/compare.ts";
import { op } from "../txn/op.ts";
import { refuseUnknown } from "../util/validate.ts";
import { callBudget } from "../transport/call-budget.ts";
import type { RecipeClient } from "./recipe-client.ts";

/**
 * Holds others up until it is released: while the key `<name>` exists, {@link wait} waits. Shared with Go's
 * `recipes.Barrier`. The key hangs on no lease, as there: a barrier outlives who holds it, and anybody may release it.
 */
export class Barrier {
  readonly name: string;
  readonly #client: RecipeClient;

  /** No I/O. @throws TypeError for an empty name. */
  constructor(client: RecipeClient, name: string) {
    checkName(name);
    this.#client = client;
    this.name = name;
  }

  /**
   * Makes others wait from now on.
   *
   * @throws EtcdError `ALREADY_EXISTS` when it is held, by whomever. When the answer is lost its `outcome` is `unknown`; it is
   * not sent again, since somebody may have released it meanwhile.
   */
  async hold(options: CallOptions = {}): Promise<void> {
    refuseUnknown(options, CALL_OPTIONS, "hold");
    const { succeeded } = await this.#client
      .txn()
      .if(compare(this.name).version.equals(0n))
      .then(op.put(this.name, ""))
      .commit(options);
    if (succeeded) return;
    const message = `barrier ${JSON.stringify(this.name)} is held already`;
    throw new EtcdError("ALREADY_EXISTS", message, { outcome: "notApplied" });
  }

  /**
   * Lets everybody go on who waits. Ends the hold it finds and none that comes after it, so it may be called again after any
   * error; where nobody holds it, it does nothing.
   */
  async release(options: CallOptions = {}): Promise<void> {
    const budget = callBudget(this.#client, options, "release");
    const { results } = await this.#client.txn().then(op.get(this.name)).commit(budget());
    const held = results[0];
    if (held === undefined) return;
    await this.#client
      .txn()
      .if(compare(this.name).createRevision.equals(held.createRevision))
      .then(op.delete(this.name))
      .commit({ ...budget(), repeatable: true });
  }

  /**
   * Resolves when nobody holds it, or when the hold that it found has been released, even if another one follows at once.
   *
   * @throws EtcdError `ABORTED`, `TIMEOUT`; `CLOSED` when the client is closed.
   */
  async wait(options: WaitingCallOptions = {}): Promise<void> {
    refuseUnknown(options, CALL_OPTIONS, "wait");
    checkCallOptions(options);
    let found: bigint | undefined;
    const look = async (signal: AbortSignal): Promise<Look<void>> => {
      const { results, revision } = await this.#client.txn().then(op.get(this.name)).commit({ signal });
      const held = results[0];
      if (held === undefined) return { done: undefined };
      found ??= held.createRevision;
      if (held.createRevision > found) return { done: undefined };
      return { behind: toQueueKey(held), watched: this.name, revision };
    };
    const what = `barrier ${JSON.stringify(this.name)}`;
    await waitUntil({ client: this.#client, what, signals: [], look }, options);
  }
}
