import { once } from "node:events";
import { connect, type AddressInfo, type Server, type Socket } from "node:net";
import { directionsOf, type Direction, type Directions } from "./direction.ts";
import { FaultConnection } from "./fault-connection.ts";
import type { FaultControls } from "./fault-controls.ts";
import { delayRule, endAfterRule, NO_FAULT, rateRule, type EndKind, type Rules } from "./rules.ts";
import { addressOf, type FaultProxyTarget } from "./target.ts";

/** What a {@link FaultProxy} tells whoever decides by what it sees; called before the bytes go on. @internal */
export interface ProxyObserver {
  readonly opened?: (connection: FaultConnection) => void;
  readonly received?: (connection: FaultConnection, direction: Direction, chunk: Buffer) => void;
}

/**
 * A TCP proxy in front of one server, which can break its connections in every way a network can. It passes bytes on as
 * they are, so that TLS goes through it.
 */
export class FaultProxy implements FaultControls, AsyncDisposable {
  /** What to give the clients, such as "http://127.0.0.1:40123": the target's scheme with an address of the proxy's own. */
  readonly endpoint: string;
  readonly #server: Server;
  readonly #maxBufferBytes: number;
  readonly #observer: ProxyObserver;
  readonly #connections = new Set<FaultConnection>();
  readonly #received: Record<Direction, number> = { requests: 0, answers: 0 };
  readonly #passed: Record<Direction, number> = { requests: 0, answers: 0 };
  readonly #rules: Record<Direction, Rules> = { requests: NO_FAULT, answers: NO_FAULT };
  #target: FaultProxyTarget;
  #accepted = 0;
  #refused = 0;
  #refusing = false;
  #closing: Promise<void> | undefined;

  /** Made by {@link startFaultProxy}. */
  constructor(server: Server, target: FaultProxyTarget, maxBufferBytes: number, observer: ProxyObserver) {
    this.#server = server;
    this.#target = target;
    this.#maxBufferBytes = maxBufferBytes;
    this.#observer = observer;
    const { port } = server.address() as AddressInfo;
    this.endpoint = `${addressOf(target).scheme}//127.0.0.1:${port}`;
    server.on("connection", (client) => this.#connected(client));
  }

  /** `[endpoint]`, for what takes a list. */
  get endpoints(): string[] {
    return [this.endpoint];
  }

  /** The connections there are, oldest first. */
  get connections(): readonly FaultConnection[] {
    return [...this.#connections];
  }

  /** How many connections were let through so far. */
  get accepted(): number {
    return this.#accepted;
  }

  /** How many connections were refused so far. */
  get refused(): number {
    return this.#refused;
  }

  /** How many bytes have come in, of each direction, over all connections. */
  get bytesReceived(): Readonly<Record<Direction, number>> {
    return { ...this.#received };
  }

  /** How many bytes were passed on, in each direction, over all connections. */
  get bytesPassed(): Readonly<Record<Direction, number>> {
    return { ...this.#passed };
  }

  /** New connections go to another server behind the same address; those there are stay where they are. */
  retarget(target: FaultProxyTarget): void {
    addressOf(target);
    this.#target = target;
  }

  /**
   * Every new connection is reset as soon as it is made, until {@link accept} or {@link heal}; those there are go on. (The
   * proxy keeps its port, so that a client sees a reset where a closed port would have refused.)
   */
  refuse(): void {
    this.#refusing = true;
  }

  /** Lets new connections through again. */
  accept(): void {
    this.#refusing = false;
  }

  cut(): void {
    for (const connection of this.#connections) connection.cut();
  }

  reset(): void {
    for (const connection of this.#connections) connection.reset();
  }

  halfOpen(direction: Directions = "both"): void {
    this.#change(direction, { flow: "drop" });
    for (const connection of this.#connections) connection.halfOpen(direction);
  }

  hold(direction: Directions = "both"): void {
    this.#change(direction, { flow: "hold" });
    for (const connection of this.#connections) connection.hold(direction);
  }

  release(direction: Directions = "both"): void {
    for (const each of directionsOf(direction)) {
      if (this.#rules[each].flow === "hold") this.#change(each, { flow: "pass" });
    }
    for (const connection of this.#connections) connection.release(direction);
  }

  delay(direction: Directions, ms: number): void {
    this.#change(direction, delayRule(ms));
    for (const connection of this.#connections) connection.delay(direction, ms);
  }

  limit(direction: Directions, bytesPerSecond: number): void {
    this.#change(direction, rateRule(bytesPerSecond));
    for (const connection of this.#connections) connection.limit(direction, bytesPerSecond);
  }

  cutAfter(direction: Directions, bytes: number, how: EndKind = "cut"): void {
    this.#change(direction, endAfterRule(bytes, how));
    for (const connection of this.#connections) connection.cutAfter(direction, bytes, how);
  }

  heal(): void {
    this.#refusing = false;
    this.#change("both", NO_FAULT);
    for (const connection of this.#connections) connection.heal();
  }

  /** Resets all connections, and gives its port back. May be called more than once. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.reset();
    await closed;
  }

  #change(direction: Directions, change: Partial<Rules>): void {
    for (const each of directionsOf(direction)) this.#rules[each] = { ...this.#rules[each], ...change };
  }

  #connected(client: Socket): void {
    if (this.#refusing || this.#closing !== undefined) {
      this.#refused++;
      client.on("error", () => {});
      client.resetAndDestroy();
      return;
    }
    this.#accepted++;
    const { host, port } = addressOf(this.#target);
    // Each side may end its direction alone, as without a proxy.
    const upstream = connect({ host, port, allowHalfOpen: true, noDelay: true });
    const connection: FaultConnection = new FaultConnection({
      client,
      upstream,
      maxBufferBytes: this.#maxBufferBytes,
      rules: this.#rules,
      received: (direction, chunk) => {
        this.#received[direction] += chunk.length;
        this.#observer.received?.(connection, direction, chunk);
      },
      passed: (direction, bytes) => {
        this.#passed[direction] += bytes;
      },
      closed: () => this.#connections.delete(connection),
    });
    this.#connections.add(connection);
    this.#observer.opened?.(connection);
  }
}
