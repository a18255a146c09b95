import { type Bytes, toBytes } from "../kv/bytes.ts";
import type { KeyValue } from "../kv/key-value.ts";
import { printable } from "../kv/printable.ts";
import { checkName } from "../queue/fair-queue.ts";
import type { WaitingCallOptions } from "../services/waiting-call.ts";
import type { CallOptions } from "../transport/call-options.ts";
import { compare } from "../txn/compare.ts";
import { op } from "../txn/op.ts";
import { callBudget } from "../transport/call-budget.ts";
import type { RecipeClient } from "./recipe-client.ts";
import { takeFirst } from "./take-first.ts";
import { unixNano } from "./unix-nano.ts";

/** Where an item was put. */
export interface Enqueued {
  readonly key: string;
  readonly revision: bigint;
}

/**
 * A queue of items that any number of producers and consumers share: first in, first out, and exactly one consumer gets an
 * item. Shared with Go's `recipes.Queue`: each item is a key `<name>/<nanoseconds since 1970>`, on no lease. Every key under
 * `<name>/` is an item, so no name may be the beginning of another's path.
 */
export class Queue {
  readonly name: string;
  readonly #client: RecipeClient;
  readonly #prefix: string;

  /** No I/O. @throws TypeError for an empty name. */
  constructor(client: RecipeClient, name: string) {
    checkName(name);
    this.#client = client;
    this.name = name;
    this.#prefix = `${name}/`;
  }

  /**
   * Puts an item behind all others.
   *
   * @throws EtcdError whose `outcome` is `unknown` when the answer is lost: the item may be there, or with a consumer already,
   * so it is not sent again.
   */
  async enqueue(value: Bytes, options: CallOptions = {}): Promise<Enqueued> {
    const bytes = toBytes(value, "value");
    const budget = callBudget(this.#client, options, "enqueue");
    for (;;) {
      const key = `${this.#prefix}${unixNano()}`;
      const { succeeded, revision } = await this.#client
        .txn()
        .if(compare(key).version.equals(0n))
        .then(op.put(key, bytes))
        .commit(budget());
      if (succeeded) return printable({ key, revision });
    }
  }

  /**
   * Takes the oldest item; waits for one while there is none. It is gone from etcd when this resolves: who dies with it has
   * lost it. Once an item is being taken its answer is waited for, beyond `signal` and `timeoutMs` if need be, so that
   * neither loses an item.
   *
   * @throws EtcdError `ABORTED` or `TIMEOUT`, with no item taken; `CLOSED` when the client is closed. With the `outcome`
   * `unknown` an item may have been taken; the message names it, and its value can still be read at the revision named.
   */
  async dequeue(options: WaitingCallOptions = {}): Promise<KeyValue> {
    const items = {
      what: `queue ${JSON.stringify(this.name)}`,
      range: { prefix: this.#prefix },
      sort: { by: "createRevision", order: "ascending" },
    } as const;
    return takeFirst(this.#client, items, options);
  }
}
