import { EtcdError } from "../errors/etcd-error.ts";
import { type Bytes, toBytes } from "../kv/bytes.ts";
import type { KeyValue } from "../kv/key-value.ts";
import { printable } from "../kv/printable.ts";
import { checkName } from "../queue/fair-queue.ts";
import type { WaitingCallOptions } from "../services/waiting-call.ts";
import type { CallOptions } from "../transport/call-options.ts";
import { compare } from "../txn/compare.ts";
import { op } from "../txn/op.ts";
import { describe, numberOption } from "../util/validate.ts";
import { callBudget } from "../transport/call-budget.ts";
import type { Enqueued } from "./queue.ts";
import type { RecipeClient } from "./recipe-client.ts";
import { takeFirst } from "./take-first.ts";

const MAX_PRIORITY = 65_535;
const LAST = { sort: { by: "key", order: "descending" }, limit: 1, keysOnly: true } as const;

/**
 * As a {@link Queue}, but the item with the lowest number goes first, and of those with the same the oldest. Shared with
 * Go's `recipes.PriorityQueue`: each item is a key `<name>/<priority, 5 digits>/<sequence, 16 digits>`. Beside them stands
 * a key `__<name>/<priority>` for each priority ever used, which decides between producers; a role needs both.
 *
 * In a namespace that key is inside, too, so a Go program has to use the same prefix with its `namespace` package: with the
 * whole name in its place it would use another one, and both might give two items the same key.
 */
export class PriorityQueue {
  readonly name: string;
  readonly #client: RecipeClient;

  /** No I/O. @throws TypeError for an empty name. */
  constructor(client: RecipeClient, name: string) {
    checkName(name);
    this.#client = client;
    this.name = name;
  }

  /**
   * Puts an item behind all others of its priority, a whole number from 0, which goes first, to 65 535.
   *
   * @throws EtcdError whose `outcome` is `unknown` when the answer is lost; it is not sent again. `FAILED_PRECONDITION` when
   * the last key of that priority is none of a queue.
   */
  async enqueue(value: Bytes, priority: number, options: CallOptions = {}): Promise<Enqueued> {
    const bytes = toBytes(value, "value");
    const lane = `${this.name}/${digits(priorityOption(priority), 5)}`;
    const budget = callBudget(this.#client, options, "enqueue");
    // Changed by every producer of this priority, so that no number is given twice: the last item alone would not do, since
    // those behind it may have come and gone.
    const base = `__${lane}`;
    for (;;) {
      const seen = await this.#client.range({ prefix: `${lane}/` }, { ...LAST, ...budget() });
      const last = seen.kvs[0];
      const key = `${lane}/${digits(last === undefined ? 0n : sequenceOf(last) + 1n, 16)}`;
      const { succeeded, revision } = await this.#client
        .txn()
        .if(compare(base).modRevision.lessThan(seen.revision + 1n), compare(key).version.equals(0n))
        .then(op.put(base, ""), op.put(key, bytes))
        .commit(budget());
      if (succeeded) return printable({ key, revision });
    }
  }

  /** Takes the first item; waits for one while there is none. Everything else is as with {@link Queue}. */
  async dequeue(options: WaitingCallOptions = {}): Promise<KeyValue> {
    const what = `priorityQueue ${JSON.stringify(this.name)}`;
    return takeFirst(this.#client, { what, range: { prefix: `${this.name}/` } }, options);
  }
}

function priorityOption(priority: number): number {
  if (priority === undefined) {
    const range = `a whole number between 0 and ${MAX_PRIORITY}`;
    throw new TypeError(`priority must be ${range}, received ${describe(priority)}`);
  }
  return numberOption(priority, "priority", { min: 0, max: MAX_PRIORITY, integer: true, fallback: 0 });
}

function sequenceOf({ key }: KeyValue): bigint {
  const text = key.slice(key.lastIndexOf("/") + 1);
  if (/^\d+$/.test(text)) return BigInt(text);
  throw new EtcdError("FAILED_PRECONDITION", `${key} is no item of a priority queue`, {
    outcome: "notApplied",
  });
}

function digits(value: number | bigint, count: number): string {
  return String(value).padStart(count, "0");
}
