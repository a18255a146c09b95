/** Half of it stays in a block that is split. Large enough that few blocks are walked, small enough to insert quickly. */
const blockSize = 512;

interface Named {
  readonly name: string;
}

/** Index of the first entry whose name is not before `name`. */
function lowerBound(entries: readonly Named[], name: string): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle] as Named).name < name) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Entries in the order of their names, each name once. Insert, remove and seek cost about the logarithm of their number. */
export class SortedList<Entry extends Named> {
  /** No block is empty. */
  readonly #blocks: Entry[][] = [];

  /** Adds an entry whose name is not in the list. */
  insert(entry: Entry): void {
    const at = Math.max(0, this.#blockOf(entry.name));
    const block = this.#blocks[at];
    if (block === undefined) {
      this.#blocks.push([entry]);
      return;
    }
    block.splice(lowerBound(block, entry.name), 0, entry);
    if (block.length > blockSize) this.#blocks.splice(at + 1, 0, block.splice(blockSize / 2));
  }

  remove(name: string): void {
    const at = this.#blockOf(name);
    const block = this.#blocks[at];
    if (block === undefined) return;
    const place = lowerBound(block, name);
    if (block[place]?.name !== name) return;
    block.splice(place, 1);
    if (block.length === 0) this.#blocks.splice(at, 1);
  }

  /** Calls `visit` for every entry from `start` on up to, and without, `end`; `undefined`: to the last. */
  visit(start: string, end: string | undefined, visit: (entry: Entry) => void): void {
    let at = Math.max(0, this.#blockOf(start));
    let block = this.#blocks[at];
    let place = block === undefined ? 0 : lowerBound(block, start);
    while (block !== undefined) {
      for (; place < block.length; place += 1) {
        const entry = block[place] as Entry;
        if (end !== undefined && entry.name >= end) return;
        visit(entry);
      }
      place = 0;
      at += 1;
      block = this.#blocks[at];
    }
  }

  clear(): void {
    this.#blocks.length = 0;
  }

  /** Index of the last block that begins at or before `name`; -1: all begin after it. */
  #blockOf(name: string): number {
    let low = -1;
    let high = this.#blocks.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((this.#blocks[middle] as [Entry])[0].name <= name) low = middle;
      else high = middle;
    }
    return low;
  }
}
