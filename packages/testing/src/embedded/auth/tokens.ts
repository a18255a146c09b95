import { randomInt } from "node:crypto";

const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const PREFIX_LENGTH = 16;
const FORM = /^[^.]*\.\d+$/;

interface Token {
  readonly user: string;
  /** Its number in the order in which tokens were given. */
  readonly index: number;
  readonly givenAt: number;
  /** When it was last used on each member. */
  readonly usedAt: Map<bigint, number>;
}

/**
 * etcd's simple tokens: 16 letters, a dot, a number. All members know a token, but each of them measures the time since the
 * last use on itself, and forgets all tokens when it starts again (`server/auth/simple_token.go`).
 */
export class SimpleTokens {
  readonly #now: () => number;
  readonly #ttlMs: number;
  readonly #tokens = new Map<string, Token>();
  /** Members that know only the tokens that were given after a number. */
  readonly #forgotten = new Map<bigint, number>();
  #index = 0;

  constructor(now: () => number, ttlMs: number) {
    this.#now = now;
    this.#ttlMs = ttlMs;
  }

  /** A new token for a user. */
  assign(user: string): string {
    this.#dropExpired();
    this.#index += 1;
    const prefix = Array.from({ length: PREFIX_LENGTH }, () => LETTERS[randomInt(LETTERS.length)]).join("");
    const token = `${prefix}.${this.#index}`;
    this.#tokens.set(token, { user, index: this.#index, givenAt: this.#now(), usedAt: new Map() });
    return token;
  }

  /** Whose token it is on this member, and a use of it there; `undefined` when that member does not know it (any more). */
  use(token: string, member: bigint): string | undefined {
    const known = FORM.test(token) ? this.#tokens.get(token) : undefined;
    if (known === undefined || known.index <= (this.#forgotten.get(member) ?? 0)) return undefined;
    const now = this.#now();
    if (now > (known.usedAt.get(member) ?? known.givenAt) + this.#ttlMs) return undefined;
    known.usedAt.set(member, now);
    return known.user;
  }

  /** Ends the tokens of one user on all members. */
  dropUser(user: string): void {
    for (const [token, { user: owner }] of this.#tokens) {
      if (owner === user) this.#tokens.delete(token);
    }
  }

  /** Ends all tokens, on one member or on all of them. */
  drop(member?: bigint): void {
    if (member === undefined) this.#tokens.clear();
    else this.#forgotten.set(member, this.#index);
  }

  #dropExpired(): void {
    const now = this.#now();
    for (const [token, { givenAt, usedAt }] of this.#tokens) {
      if (now > Math.max(givenAt, ...usedAt.values()) + this.#ttlMs) this.#tokens.delete(token);
    }
  }
}
