import { channels } from "../diagnostics/channels.ts";
import { Emitter } from "../util/emitter.ts";
import {
  type ConnectionEvent,
  type ConnectionState,
  type ConnectionStatus,
  type EndpointStatus,
  NOTHING_KNOWN,
  transition,
} from "./connection-state.ts";

export interface ConnectionMonitorEvents {
  /** The connection's state, an endpoint's state, the list of endpoints, or whether the files of `tls` can be used changed. */
  change: [status: ConnectionStatus];
}

/**
 * What is known of the way to the cluster, as a value and as an event. It says what calls and health checks have found
 * out; a client that does nothing finds out nothing.
 */
export class ConnectionMonitor extends Emitter<ConnectionMonitorEvents> {
  #syncError: Error | undefined;
  #status: ConnectionStatus = NOTHING_KNOWN;

  get state(): ConnectionState {
    return this.#status.state;
  }

  get endpoints(): readonly EndpointStatus[] {
    return this.#status.endpoints;
  }

  /** State and endpoints of one moment. */
  get status(): ConnectionStatus {
    return this.#status;
  }

  /** Why the endpoints could not be completed from the member list the last time; undefined when they could. */
  get syncError(): Error | undefined {
    return this.#syncError;
  }

  /**
   * Why the files of `tls` could not be used when they were last read, so that new connections are made with what was read
   * before; undefined when they could.
   */
  get tlsError(): Error | undefined {
    return this.#status.tlsError;
  }

  /** Takes in how the last look at the member list ended. Called by the transport only. */
  synced(error: Error | undefined): void {
    this.#syncError = error;
  }

  /** Takes in what happened. Called by the transport only. */
  note(event: ConnectionEvent): void {
    const before = this.#status;
    this.#status = transition(before, event);
    // Another reason for the same state is in the value, but is no news.
    if (shapeOf(before) === shapeOf(this.#status)) return;
    if (channels.connection.hasSubscribers) {
      const { state, endpoints, tlsError } = this.#status;
      channels.connection.publish({ state, endpoints, tlsError });
    }
    this.emit("change", this.#status);
  }
}

function shapeOf({ state, endpoints, tlsError }: ConnectionStatus): string {
  return [state, tlsError?.message, ...endpoints.map((each) => `${each.url} ${each.state}`)].join(" ");
}
