/** A set of small whole numbers, with a hash that is kept up to date. */
export class BitSet {
  readonly words: Uint32Array;
  readonly #codes: Uint32Array;
  #hash = 0;

  constructor(size: number) {
    this.words = new Uint32Array(Math.ceil(size / 32));
    this.#codes = hashCodes(size);
  }

  /** Zobrist's: the exclusive or of a random number for each member. */
  get hash(): number {
    return this.#hash;
  }

  has(index: number): boolean {
    return (((this.words[index >>> 5] ?? 0) >>> (index & 31)) & 1) === 1;
  }

  /** Adds what is not in it, and removes what is. */
  flip(index: number): void {
    const word = index >>> 5;
    this.words[word] = ((this.words[word] ?? 0) ^ (1 << (index & 31))) >>> 0;
    this.#hash ^= this.#codes[index] ?? 0;
  }
}

/** Pseudo-random numbers (xorshift), the same in every run. */
function hashCodes(size: number): Uint32Array {
  const codes = new Uint32Array(size);
  let code = (0x9e3779b9 ^ size) >>> 0;
  for (let index = 0; index < size; index++) {
    code ^= code << 13;
    code ^= code >>> 17;
    code ^= code << 5;
    codes[index] = code;
  }
  return codes;
}

/**
 * Remembers where a search has been: which operations were placed, and the state they left (Lowe's addition to Wing and
 * Gong's search). Compares exactly; the hash only finds the candidates.
 */
export class ConfigurationCache {
  readonly #known = new Map<number, Uint32Array[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Whether it was not known yet. */
  add(placed: BitSet, used: BitSet, state: number): boolean {
    const hash = placed.hash ^ (used.hash << 1) ^ Math.imul(state + 1, 0x85ebca6b);
    const entry = toEntry(placed.words, used.words, state);
    const bucket = this.#known.get(hash);
    if (bucket === undefined) this.#known.set(hash, [entry]);
    else if (bucket.some((each) => equal(each, entry))) return false;
    else bucket.push(entry);
    this.#size += 1;
    return true;
  }
}

/** Everything is placed before the window and nothing after it, so only the words between are kept. */
function toEntry(placed: Uint32Array, used: Uint32Array, state: number): Uint32Array {
  let from = 0;
  while (from < placed.length && placed[from] === 0xffffffff) from += 1;
  let to = placed.length;
  while (to > from && placed[to - 1] === 0) to -= 1;
  const entry = new Uint32Array(2 + to - from + used.length);
  entry[0] = state;
  entry[1] = from;
  entry.set(used, 2);
  entry.set(placed.subarray(from, to), 2 + used.length);
  return entry;
}

function equal(a: Uint32Array, b: Uint32Array): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false;
  return true;
}
