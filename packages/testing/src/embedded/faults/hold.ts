import { checkEach, isBoolean } from "../../check-options.ts";
import { isMemberName } from "./fault-options.ts";
import { Gate } from "./gate.ts";
import { findMethod } from "./method-names.ts";

/** Which calls are held. */
export interface HoldOptions {
  /** `true`: hold the request, so that nothing is done before the release. Default `false`: it is done, the answer is held. */
  readonly before?: boolean;
  /**
   * `true`, with `before`: after the release it is done also when its client has given it up meanwhile, as by a member that
   * was stopped and finds it in its socket. Default `false`: then it is not done.
   */
  readonly late?: boolean;
  /** Hold only calls to the member of this name. Default: all members. */
  readonly member?: string;
}

const CHECKS = { before: isBoolean, late: isBoolean, member: isMemberName };

/** Calls that are held until they are released. */
export interface HeldCalls {
  /** How many have been held so far. */
  readonly held: number;
  /** Resolves when this many have been held. Default 1. Rejects when they are released before. */
  reached(count?: number): Promise<void>;
  /** Lets the held calls go on, and holds no more. */
  release(): void;
}

interface Arrival {
  readonly count: number;
  readonly resolve: () => void;
  readonly reject: (reason: Error) => void;
}

/** One order of {@link HeldCalls}. */
export class Hold implements HeldCalls {
  readonly before: boolean;
  readonly late: boolean;
  readonly #path: string;
  readonly #member: string | undefined;
  readonly #remove: (hold: Hold) => void;
  readonly #gate = new Gate();
  readonly #arrivals: Arrival[] = [];
  #held = 0;

  constructor(method: string, options: HoldOptions, remove: (hold: Hold) => void) {
    checkEach(options, CHECKS, "hold");
    const { path, isStream } = findMethod(method);
    if (isStream) throw new TypeError(`hold: ${method} is a stream: use stallStreams`);
    this.#path = path;
    this.before = options.before ?? false;
    this.late = options.late ?? false;
    this.#member = options.member;
    this.#remove = remove;
    this.#gate.shut();
  }

  get held(): number {
    return this.#held;
  }

  async reached(count = 1): Promise<void> {
    if (this.#held >= count) return;
    await new Promise<void>((resolve, reject) => {
      this.#arrivals.push({ count, resolve, reject });
    });
  }

  release(): void {
    this.#remove(this);
    this.#gate.open();
    for (const { count, reject } of this.#arrivals.splice(0)) {
      if (count > this.#held) reject(new Error(`released after ${this.#held} of ${count} calls were held`));
    }
  }

  concerns(path: string, member: string): boolean {
    return path === this.#path && (this.#member === undefined || this.#member === member);
  }

  /** Holds a call. */
  async wait(): Promise<void> {
    this.#held += 1;
    for (const { count, resolve } of this.#arrivals) if (this.#held >= count) resolve();
    await new Promise<void>((resolve) => {
      this.#gate.pass(resolve);
    });
  }
}
