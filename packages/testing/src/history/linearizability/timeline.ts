import type { Call } from "./model.ts";

/**
 * The invocations and returns of operations in the order of time, as a linked list from which an operation is lifted while
 * it is placed. Node 0 is the head; invocations come before returns of the same moment, since those may have overlapped.
 */
export class Timeline {
  /** For each node the operation, by its place in the list given. */
  readonly indexOf: Int32Array;
  readonly #isReturn: Uint8Array;
  readonly #time: BigInt64Array;
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #returnOf: Int32Array;

  constructor(calls: readonly Call<unknown>[]) {
    const moments = calls.flatMap(({ invoked, returned }, index) => [
      { time: invoked, isReturn: 0, index },
      { time: returned ?? invoked, isReturn: 1, index },
    ]);
    moments.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : a.isReturn - b.isReturn));
    const size = moments.length + 1;
    this.indexOf = new Int32Array(size);
    this.#isReturn = new Uint8Array(size);
    this.#time = new BigInt64Array(size);
    this.#next = new Int32Array(size);
    this.#previous = new Int32Array(size);
    this.#returnOf = new Int32Array(size);
    const callNode = new Int32Array(calls.length);
    for (const [at, { time, isReturn, index }] of moments.entries()) {
      const node = at + 1;
      this.indexOf[node] = index;
      this.#isReturn[node] = isReturn;
      this.#time[node] = time;
      if (isReturn === 1) this.#returnOf[callNode[index] ?? 0] = node;
      else callNode[index] = node;
      this.#previous[node] = at;
      this.#next[at] = node;
    }
  }

  /** The node after this one, or 0 at the end. */
  after(node: number): number {
    return this.#next[node] ?? 0;
  }

  isReturn(node: number): boolean {
    return this.#isReturn[node] === 1;
  }

  /** The node of the first return that is left, or 0: what follows now must have been invoked before it. */
  firstReturn(): number {
    let node = this.after(0);
    while (node !== 0 && !this.isReturn(node)) node = this.after(node);
    return node;
  }

  timeOf(node: number): bigint {
    return this.#time[node] ?? 0n;
  }

  /** Takes an invocation and its return out. */
  lift(node: number): void {
    this.#unlink(node);
    this.#unlink(this.#returnOf[node] ?? 0);
  }

  /** Puts them back; in the reverse order of lifting. */
  putBack(node: number): void {
    this.#link(this.#returnOf[node] ?? 0);
    this.#link(node);
  }

  #unlink(node: number): void {
    const [previous, next] = [this.#previous[node] ?? 0, this.#next[node] ?? 0];
    this.#next[previous] = next;
    this.#previous[next] = previous;
  }

  #link(node: number): void {
    this.#next[this.#previous[node] ?? 0] = node;
    this.#previous[this.#next[node] ?? 0] = node;
  }
}
