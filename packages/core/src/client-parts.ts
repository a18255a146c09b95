import type { Bytes } from "./kv/bytes.ts";
import { KeepAlive } from "./lease/keep-alive.ts";
import { SessionSet } from "./lease/session-set.ts";
import type { Namespace } from "./namespace/namespace.ts";
import { NamespacedConnection } from "./namespace/namespaced-connection.ts";
import { ScopedConnection } from "./namespace/scoped-connection.ts";
import type { ResolvedOptions } from "./options.ts";
import { OrderedConnection } from "./ordering/ordered-connection.ts";
import { ClusterConnection } from "./transport/cluster-connection.ts";
import type { Connection } from "./transport/connection.ts";
import { systemClock } from "./util/clock.ts";

/** What a client is made of that its namespaces share with it, or have to close by themselves. */
export class ClientParts {
  readonly options: ResolvedOptions;
  /** What the client talks through. */
  readonly connection: Connection;
  /** Renews all leases of the client and its namespaces: a lease is in none. */
  readonly keepAlive: KeepAlive;
  readonly sessions: SessionSet;
  /** The connection as it is outside of the namespace. */
  readonly #outside: Connection;

  private constructor(
    options: ResolvedOptions,
    outside: Connection,
    { keepAlive, sessions }: { readonly keepAlive: KeepAlive; readonly sessions: SessionSet },
  ) {
    const { namespace } = options;
    this.options = options;
    this.#outside = outside;
    // Without a namespace there is nothing in between, so that it costs nothing.
    this.connection = namespace.prefix.length === 0 ? outside : new NamespacedConnection(outside, namespace);
    this.keepAlive = keepAlive;
    this.sessions = sessions;
  }

  static of(options: ResolvedOptions): ClientParts {
    const connection = new ClusterConnection(options);
    const keepAlive = new KeepAlive(connection, systemClock);
    return new ClientParts(options, connection, { keepAlive, sessions: new SessionSet() });
  }

  get namespace(): Namespace {
    return this.options.namespace;
  }

  /** The parts of a client whose keys are in a namespace of this one's. It closes by itself, and with this one. */
  within(prefix: Bytes): ClientParts {
    const options = { ...this.options, namespace: this.namespace.within(prefix) };
    // One prefix of both parts, put before the keys once, however deep it goes.
    return this.#part(options, new ScopedConnection(this.#outside));
  }

  /** The parts of a client whose reads never go back. It closes by itself, and with this one. */
  ordered(): ClientParts {
    return this.#part(this.options, new OrderedConnection(new ScopedConnection(this.#outside)));
  }

  #part(options: ResolvedOptions, outside: Connection): ClientParts {
    const sessions = new SessionSet(this.sessions);
    return new ClientParts(options, outside, { keepAlive: this.keepAlive, sessions });
  }
}
