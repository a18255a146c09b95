import { status } from "@grpc/grpc-js";
import { StatusError } from "../errors.ts";
import { findMethod } from "./method-names.ts";
import { checkEach, isBoolean, isText } from "../../check-options.ts";
import { isCount, isCode, isMemberName } from "./fault-options.ts";

/** Which calls fail, and how. */
export interface FailCallOptions {
  /** The first call that fails, counted from now: 1 is the next one. Default 1. */
  readonly nth?: number;
  /** How many calls in a row fail, from that one on; `Infinity`: all of them. Default 1. */
  readonly times?: number;
  /** gRPC status of the answer. Default UNAVAILABLE. */
  readonly code?: status;
  /** Text of the answer. Default "etcdserver: server stopped". */
  readonly details?: string;
  /**
   * `true`: what was asked is done, and only then answered with the error, as when an answer is lost on its way.
   * Default `false`: it is not done. No effect on a stream, which is refused when it is opened.
   */
  readonly after?: boolean;
  /** Count and fail only calls to the member of this name. Default: all members. */
  readonly member?: string;
}

const CHECKS = {
  nth: isCount,
  times: isCount,
  code: isCode,
  details: isText,
  after: isBoolean,
  member: isMemberName,
};

/** Calls that are to fail. */
export interface FailingCalls {
  /** How many have failed so far. */
  readonly failed: number;
  /** Lets no more of them fail. */
  remove(): void;
}

/** One order of {@link FailingCalls}. */
export class FailRule implements FailingCalls {
  readonly path: string;
  readonly after: boolean;
  readonly #member: string | undefined;
  readonly #code: status;
  readonly #details: string;
  readonly #first: number;
  readonly #last: number;
  readonly #remove: (rule: FailRule) => void;
  #seen = 0;
  #failed = 0;

  constructor(method: string, options: FailCallOptions, remove: (rule: FailRule) => void) {
    checkEach(options, CHECKS, "failCall");
    const { nth = 1, times = 1, code = status.UNAVAILABLE, details, after = false, member } = options;
    const { path, isStream } = findMethod(method);
    this.path = path;
    this.after = after && !isStream;
    this.#member = member;
    this.#code = code;
    this.#details = details ?? "etcdserver: server stopped";
    this.#first = nth;
    this.#last = nth + times - 1;
    this.#remove = remove;
  }

  get failed(): number {
    return this.#failed;
  }

  remove(): void {
    this.#remove(this);
  }

  /** Counts a call: the error it is to fail with, if it is its turn. */
  meet(path: string, member: string): StatusError | undefined {
    if (path !== this.path || (this.#member !== undefined && this.#member !== member)) return undefined;
    this.#seen += 1;
    if (this.#seen >= this.#last) this.remove();
    if (this.#seen < this.#first) return undefined;
    this.#failed += 1;
    return new StatusError(this.#code, this.#details);
  }
}
