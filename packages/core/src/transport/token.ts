import { Metadata } from "@grpc/grpc-js";

/** Who is told how the server took a token. */
export interface TokenOwner {
  isCurrent(token: Token): boolean;
  accepted(token: Token): void;
  refused(token: Token): boolean;
}

/** One login, as the metadata that carries it. Without a value where the server wants none. */
export class Token {
  readonly #owner: TokenOwner;
  readonly #plain: Metadata;
  readonly #requireLeader: Metadata;

  constructor(owner: TokenOwner, value: string | undefined) {
    this.#owner = owner;
    this.#plain = new Metadata();
    if (value !== undefined) this.#plain.set("token", value);
    this.#requireLeader = this.#plain.clone();
    this.#requireLeader.set("hasleader", "true");
  }

  /** Whether it has not been replaced since. */
  get current(): boolean {
    return this.#owner.isCurrent(this);
  }

  metadata(requireLeader: boolean): Metadata {
    return requireLeader ? this.#requireLeader : this.#plain;
  }

  /** The server took it. */
  accepted(): void {
    this.#owner.accepted(this);
  }

  /** The server does not take it any more. Tells whether there is a better one, or one can be had. */
  refused(): boolean {
    return this.#owner.refused(this);
  }
}
