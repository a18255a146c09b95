import { setImmediate as nextTurn } from "node:timers/promises";

/** One operation on its way into a batch. */
export interface Slot {
  /** Two operations of one key never share a batch, unless they are the same one (see {@link BatchQueue.add}). */
  readonly id: string;
  /** What it adds to the request's size, in bytes. */
  readonly size: number;
}

export interface BatchQueueOptions<S extends Slot> {
  /** Operations per batch, until {@link BatchQueue.limitTo} says less. */
  readonly maxOperations: number;
  /** Bytes per batch. */
  readonly maxBytes: number;
  /** Sends a batch; settles when its answer is in. Must not reject. */
  send(batch: readonly S[], queue: BatchQueue<S>): Promise<void>;
}

/**
 * A batch that has not come back after this time no longer holds up the next one: the endpoint it went to may hang, and
 * another would answer.
 */
const PATIENCE_MS = 20;

/**
 * So many operations are worth a batch of their own beside one that is under way: the server works on one while the
 * other is here. Fewer, or a third batch, cost more in calls than they save in waiting (measured with 64 in flight).
 */
const WORTH_A_BATCH = 16;

/**
 * Collects what is asked for within one turn of the event loop, and while earlier batches are under way, into batches.
 * So a lone operation goes out at once, and the busier it gets the larger the batches become.
 */
export class BatchQueue<S extends Slot> {
  readonly #options: BatchQueueOptions<S>;
  #maxOperations: number;
  #filling = new Map<string, S>();
  #bytes = 0;
  /** How many batches later ones wait for. Not a set of them: one that lives long keeps old batches in memory (V8). */
  #underWay = 0;
  /** How often it was decided not to wait any more for those that were under way. */
  #forgotten = 0;
  #scheduled = false;
  #patience: NodeJS.Timeout | undefined;

  constructor(options: BatchQueueOptions<S>) {
    this.#options = options;
    this.#maxOperations = options.maxOperations;
  }

  /** The operation of this id that waits to be sent; to join it is as good as to be sent with it. */
  waiting(id: string): S | undefined {
    return this.#filling.get(id);
  }

  /** Puts an operation into the batch that fills. One of the same id, or too many bytes, send that batch off first. */
  add(slot: S): void {
    if (this.#filling.has(slot.id) || this.#bytes + slot.size > this.#options.maxBytes) this.#send();
    this.#filling.set(slot.id, slot);
    this.#bytes += slot.size;
    if (this.#filling.size >= this.#maxOperations) this.#send();
    else this.#schedule();
  }

  /** The server takes fewer operations than was thought. */
  limitTo(operations: number): void {
    this.#maxOperations = Math.max(1, Math.min(this.#maxOperations, operations));
  }

  /**
   * Gives a batch's answers to those who asked. Where nothing else is under way, a large batch is given out in two halves:
   * what the first half asks for next is then on its way while the second still reads, and the two keep taking turns.
   */
  async handOut(batch: readonly S[], give: (slot: S, index: number) => void): Promise<void> {
    const takeTurns = this.#underWay === 1 && batch.length >= 2 * WORTH_A_BATCH;
    const half = takeTurns ? Math.ceil(batch.length / 2) : batch.length;
    batch.slice(0, half).forEach(give);
    if (!takeTurns) return;
    await nextTurn();
    batch.slice(half).forEach((slot, index) => give(slot, half + index));
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // After all promise callbacks of this turn, each of which may ask for more.
    process.nextTick(() => {
      this.#scheduled = false;
      if (this.#underWay === 0) this.#send();
      else if (this.#underWay === 1 && this.#filling.size >= WORTH_A_BATCH) this.#send();
      else if (this.#filling.size > 0) this.#wait();
    });
  }

  #wait(): void {
    this.#patience ??= setTimeout(() => this.#lostPatience(), PATIENCE_MS).unref();
  }

  #send(): void {
    if (this.#filling.size === 0) return;
    const batch = [...this.#filling.values()];
    this.#filling = new Map();
    this.#bytes = 0;
    const forgotten = this.#forgotten;
    this.#underWay += 1;
    this.#calm();
    void this.#options.send(batch, this).then(() => {
      if (forgotten === this.#forgotten) this.#underWay -= 1;
      this.#calm();
      if (this.#filling.size > 0) this.#schedule();
    });
  }

  #calm(): void {
    clearTimeout(this.#patience);
    this.#patience = undefined;
  }

  #lostPatience(): void {
    this.#patience = undefined;
    // Nothing waits for these any more, neither what is filling now nor what is asked for later.
    this.#underWay = 0;
    this.#forgotten += 1;
    this.#send();
  }
}
