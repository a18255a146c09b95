import type { Metadata } from "@grpc/grpc-js";
import { AuthCall } from "../auth/auth-call.ts";
import type { KvAccess } from "../kv/access.ts";
import type { EmbeddedState, MemberView } from "../state.ts";
import type { CallContext } from "./context.ts";
import type { Host } from "./host.ts";

/** The context of a unary call; what few handlers need is made when they ask for it. */
export class UnaryContext implements CallContext {
  readonly state: EmbeddedState;
  readonly member: MemberView;
  readonly metadata: Metadata;
  readonly #host: Host;
  readonly #isOver: () => boolean;
  #gone: AbortController | undefined;
  #signal: AbortSignal | undefined;

  constructor(host: Host, metadata: Metadata, isOver: () => boolean) {
    this.state = host.state;
    this.member = host.view;
    this.metadata = metadata;
    this.#host = host;
    this.#isOver = isOver;
  }

  get signal(): AbortSignal {
    if (this.#signal === undefined) {
      this.#gone = new AbortController();
      if (this.#isOver()) this.#gone.abort();
      this.#signal = AbortSignal.any([this.#gone.signal, this.#host.stopping]);
    }
    return this.#signal;
  }

  get access(): KvAccess | undefined {
    return accessOf(this);
  }

  /** The client does not wait for the answer any more. */
  abort(): void {
    this.#gone?.abort();
  }
}

/** What the caller may do with keys; `undefined` while authentication is off. */
export function accessOf(context: Pick<CallContext, "state" | "member" | "metadata">): KvAccess | undefined {
  return context.state.auth.enabled ? new AuthCall(context).access() : undefined;
}
