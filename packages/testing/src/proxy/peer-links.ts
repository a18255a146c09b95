import { DiallerFinder } from "./dialler.ts";
import type { FaultConnection } from "./fault-connection.ts";
import type { Direction } from "./direction.ts";
import type { ProxyObserver } from "./fault-proxy.ts";

/** What can be wrong with what one member sends to another: connections are reset, bytes are lost, or kept back. */
export type LinkFault = "cut" | "halfOpen" | "hold";

/** What happens to the bytes from one member to another. */
export interface LinkState {
  readonly fault: LinkFault | undefined;
  readonly delayMs: number;
}

/** @internal What {@link PeerLinks} asks of the cluster. */
export interface MemberDirectory {
  /** The index of the member with this id. */
  byId(id: bigint): number | undefined;
  /** The index of the member that has dialled this connection, where the machine can tell. */
  byPort(clientPort: number, target: number): Promise<number | undefined>;
}

/** A connection to a member's peer port. Who dialled it shows only after a moment. */
interface PeerConnection {
  readonly connection: FaultConnection;
  readonly target: number;
  readonly finder: DiallerFinder;
  dialler: number | undefined;
  /** Whether the machine was asked who dialled, which costs more than to look for the header. */
  searching: boolean;
  /** Whether nothing but a header can still tell who dialled. */
  searched: boolean;
  readonly applied: Record<Direction, LinkState>;
}

const HEALTHY: LinkState = { fault: undefined, delayMs: 0 };

/**
 * The links between the members of a cluster, each of its two ways with a state of its own. What goes from A to B travels
 * both on connections that A has dialled (as requests) and on those that B has dialled (as answers: raft's streams).
 */
export class PeerLinks {
  readonly #size: number;
  readonly #members: MemberDirectory;
  readonly #states = new Map<string, LinkState>();
  readonly #connections = new Set<PeerConnection>();

  constructor(size: number, members: MemberDirectory) {
    this.#size = size;
    this.#members = members;
  }

  /** The state of the way from one member to another. */
  state(from: number, to: number): LinkState {
    return this.#states.get(key(from, to)) ?? HEALTHY;
  }

  set(from: number, to: number, change: Partial<LinkState>): void {
    const state = { ...this.state(from, to), ...change };
    if (state.fault === undefined && state.delayMs === 0) this.#states.delete(key(from, to));
    else this.#states.set(key(from, to), state);
  }

  /** Makes all connections follow the states. */
  apply(): void {
    for (const each of this.#connections) this.#applyTo(each);
  }

  /** Asks once more who dialled the connections of which that is unknown, now that the members are known. */
  async searchAgain(): Promise<void> {
    const unknown = [...this.#connections].filter(({ dialler }) => dialler === undefined);
    await Promise.all(unknown.map((peer) => this.#search(peer)));
  }

  /** Sees the connections of the proxy before a member's peer port. */
  observer(target: number): ProxyObserver {
    const known = new WeakMap<FaultConnection, PeerConnection>();
    return {
      opened: (connection) => {
        this.#forgetClosed();
        const peer: PeerConnection = {
          connection,
          target,
          finder: new DiallerFinder(),
          dialler: undefined,
          searching: false,
          searched: false,
          applied: { requests: HEALTHY, answers: HEALTHY },
        };
        known.set(connection, peer);
        this.#connections.add(peer);
        this.#applyTo(peer);
      },
      received: (connection, direction, chunk) => {
        const peer = known.get(connection);
        if (direction !== "requests" || peer === undefined || peer.dialler !== undefined) return;
        if (peer.finder.learn(chunk)) this.#applyTo(peer);
        if (peer.dialler === undefined && !peer.searching) void this.#search(peer);
      },
    };
  }

  async #search(peer: PeerConnection): Promise<void> {
    peer.searching = true;
    const found = await this.#members.byPort(peer.connection.clientPort, peer.target);
    // The header may have told it in the meantime.
    peer.dialler ??= found;
    peer.searched = true;
    this.#applyTo(peer);
  }

  #applyTo(peer: PeerConnection): void {
    if (!peer.connection.open) return;
    // An id can come before the cluster knows its members' ids.
    if (peer.finder.id !== undefined) peer.dialler ??= this.#members.byId(peer.finder.id);
    const states = {
      requests: this.#between(peer, (other) => this.state(other, peer.target)),
      answers: this.#between(peer, (other) => this.state(peer.target, other)),
    };
    if (states.requests.fault === "cut" || states.answers.fault === "cut") {
      peer.connection.reset();
      return;
    }
    for (const direction of ["requests", "answers"] as const) follow(peer, direction, states[direction]);
  }

  /** The state with whoever dialled. As long as that is unknown, nothing passes that could be from one who is cut off. */
  #between(peer: PeerConnection, stateWith: (other: number) => LinkState): LinkState {
    if (peer.dialler !== undefined) return stateWith(peer.dialler);
    const others = Array.from({ length: this.#size }, (_, index) => index).filter((i) => i !== peer.target);
    const states = others.map((other) => stateWith(other));
    const [first = HEALTHY] = states;
    if (states.every(({ fault, delayMs }) => fault === first.fault && delayMs === first.delayMs))
      return first;
    return peer.searched ? HEALTHY : { fault: "hold", delayMs: 0 };
  }

  #forgetClosed(): void {
    for (const each of this.#connections) if (!each.connection.open) this.#connections.delete(each);
  }
}

function key(from: number, to: number): string {
  return `${from}>${to}`;
}

/** Changes only what differs, so that what was set on the proxy itself stays. */
function follow({ connection, applied }: PeerConnection, direction: Direction, state: LinkState): void {
  const before = applied[direction];
  applied[direction] = state;
  if (state.delayMs !== before.delayMs) connection.delay(direction, state.delayMs);
  if (state.fault === before.fault) return;
  if (state.fault === "halfOpen") connection.halfOpen(direction);
  else if (state.fault === "hold") connection.hold(direction);
  // What was held goes on; a connection that has lost bytes cannot.
  else connection.resume(direction);
}
