import type { StatusError } from "../errors.ts";
import { FailRule, type FailCallOptions } from "./fail-rule.ts";
import { Hold, type HoldOptions } from "./hold.ts";

/** What is to happen to one call. */
export interface CallFaults {
  /** Fail with it instead of doing anything. */
  readonly failure: StatusError | undefined;
  /** Fail with it after everything was done. */
  readonly lostAnswer: StatusError | undefined;
  readonly holdsBefore: readonly Hold[];
  readonly holdsAfter: readonly Hold[];
}

/** The faults that were ordered for calls. */
export class FaultBook {
  readonly #rules = new Set<FailRule>();
  readonly #holds = new Set<Hold>();

  failCall(method: string, options: FailCallOptions): FailRule {
    const rule = new FailRule(method, options, (removed) => this.#rules.delete(removed));
    this.#rules.add(rule);
    return rule;
  }

  hold(method: string, options: HoldOptions): Hold {
    const hold = new Hold(method, options, (removed) => this.#holds.delete(removed));
    this.#holds.add(hold);
    return hold;
  }

  /** Counts a call that has come in; `undefined`: nothing was ordered for any. */
  meet(path: string, member: string): CallFaults | undefined {
    if (this.#rules.size === 0 && this.#holds.size === 0) return undefined;
    const holds = [...this.#holds].filter((hold) => hold.concerns(path, member));
    let failure: StatusError | undefined;
    let lostAnswer: StatusError | undefined;
    for (const rule of this.#rules) {
      const error = rule.meet(path, member);
      if (rule.after) lostAnswer ??= error;
      else failure ??= error;
    }
    return {
      failure,
      lostAnswer,
      holdsBefore: holds.filter(({ before }) => before),
      holdsAfter: holds.filter(({ before }) => !before),
    };
  }

  /** Nothing fails any more, and what is held goes on. */
  clear(): void {
    this.#rules.clear();
    for (const hold of this.#holds) hold.release();
  }
}
