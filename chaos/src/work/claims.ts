import type { Journal } from "../log/journal.ts";

/** Something that a process believes to have until it learns better. */
export interface Claim {
  readonly kind: "lock" | "leader" | "session";
  readonly name: string;
  readonly token: string;
  readonly key: string;
  /** Looks, now. */
  readonly look: () => boolean;
}

/** A look that said yes: it was true at some moment between these two, in ns of the machine's monotonic clock. */
export type Moment = readonly [begin: number, end: number];

interface Watched extends Claim {
  /** The last look that said yes. */
  last: Moment | undefined;
  /** The last one written down. */
  written: number;
  ended: boolean;
  looksLeft: number;
}

const LOOK_EVERY_MS = 15;
const WRITE_EVERY_NS = 100e6;
/** A look after a longer silence is written down: the process did not run, and this is what it believed first. */
const GAP_NS = 60e6;
/** Looks after a claim has ended: it must not come back. */
const LOOKS_AFTER = 20;

/** Looks at every claim of this process all the time, and writes down what it says, as an application that acts on it would. */
export class Claims {
  readonly #journal: Journal;
  readonly #watched = new Set<Watched>();
  #timer: NodeJS.Timeout | undefined;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  start(): void {
    this.#timer = setInterval(() => this.#lookAtAll(), LOOK_EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    for (const each of this.#watched) this.#write(each);
    this.#watched.clear();
  }

  /** Looks at it from now on, until it has ended. */
  add(claim: Claim): void {
    const watched = { ...claim, last: undefined, written: 0, ended: false, looksLeft: LOOKS_AFTER };
    this.#watched.add(watched);
    this.#look(watched);
  }

  #lookAtAll(): void {
    for (const each of this.#watched) this.#look(each);
  }

  #look(watched: Watched): void {
    const begin = Number(process.hrtime.bigint());
    const says = watched.look();
    const end = Number(process.hrtime.bigint());
    if (!says) {
      if (!watched.ended) {
        watched.ended = true;
        this.#write(watched);
      }
      watched.looksLeft -= 1;
      if (watched.looksLeft === 0) this.#watched.delete(watched);
      return;
    }
    const gap = watched.last === undefined ? Infinity : begin - watched.last[1];
    watched.last = [begin, end];
    if (watched.ended) this.#write(watched, true);
    else if (gap > GAP_NS || begin - watched.written > WRITE_EVERY_NS) this.#write(watched);
  }

  #write(watched: Watched, isBack = false): void {
    const { kind, name, token, key, last } = watched;
    if (last === undefined) return;
    watched.written = last[0];
    this.#journal.note("claim", { key, value: { kind, name, token, look: last, isBack } });
  }
}
