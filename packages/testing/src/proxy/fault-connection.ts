import type { Socket } from "node:net";
import { directionsOf, DIRECTIONS, type Direction, type Directions } from "./direction.ts";
import type { FaultControls } from "./fault-controls.ts";
import { Pipe } from "./pipe.ts";
import { delayRule, endAfterRule, NO_FAULT, rateRule, type EndKind, type Rules } from "./rules.ts";

/** @internal What a connection is made of. */
export interface FaultConnectionParts {
  readonly client: Socket;
  readonly upstream: Socket;
  readonly maxBufferBytes: number;
  readonly rules: Readonly<Record<Direction, Rules>>;
  readonly received: (direction: Direction, chunk: Buffer) => void;
  readonly passed: (direction: Direction, bytes: number) => void;
  readonly closed: () => void;
}

/** One connection through a {@link FaultProxy}, which can be broken on its own. */
export class FaultConnection implements FaultControls {
  /** The port from which the client has connected. */
  readonly clientPort: number;
  readonly #client: Socket;
  readonly #upstream: Socket;
  readonly #pipes: Readonly<Record<Direction, Pipe>>;
  readonly #onClosed: () => void;
  readonly #received: Record<Direction, number> = { requests: 0, answers: 0 };
  readonly #passed: Record<Direction, number> = { requests: 0, answers: 0 };
  #open = true;

  /** Made by {@link FaultProxy}. */
  constructor(parts: FaultConnectionParts) {
    const { client, upstream, maxBufferBytes } = parts;
    this.#client = client;
    this.#upstream = upstream;
    this.#onClosed = parts.closed;
    this.clientPort = client.remotePort ?? 0;
    const pipe = (direction: Direction, from: Socket, to: Socket): Pipe =>
      new Pipe(from, to, maxBufferBytes, {
        passed: (bytes) => {
          this.#passed[direction] += bytes;
          parts.passed(direction, bytes);
        },
        ends: (how) => this[how](),
      });
    this.#pipes = {
      requests: pipe("requests", client, upstream),
      answers: pipe("answers", upstream, client),
    };
    for (const direction of DIRECTIONS) {
      this.#pipes[direction].setRules(parts.rules[direction]);
      this.#read(direction, parts);
    }
  }

  /** Whether it still exists on at least one of its sides. */
  get open(): boolean {
    return this.#open;
  }

  /** How many bytes have come in, of each direction. */
  get bytesReceived(): Readonly<Record<Direction, number>> {
    return { ...this.#received };
  }

  /** How many bytes were passed on, in each direction. */
  get bytesPassed(): Readonly<Record<Direction, number>> {
    return { ...this.#passed };
  }

  cut(): void {
    this.#end((socket) => {
      // With bytes waiting, an end in order would wait for a receiver who may not read.
      if (socket.writableLength === 0 && !socket.connecting) socket.destroySoon();
      else socket.destroy();
    });
  }

  reset(): void {
    this.#end((socket) => {
      // Node waits until it is connected, to reset it then; nobody else has to.
      if (socket.connecting) socket.unref();
      // With an end() still under way Node (20.20) would never close the handle, and spin when the process exits.
      if (socket.writableEnded && !socket.writableFinished) socket.destroy();
      else socket.resetAndDestroy();
    });
  }

  halfOpen(direction: Directions = "both"): void {
    this.#change(direction, { flow: "drop" });
  }

  hold(direction: Directions = "both"): void {
    this.#change(direction, { flow: "hold" });
  }

  release(direction: Directions = "both"): void {
    for (const each of directionsOf(direction)) {
      const pipe = this.#pipes[each];
      if (pipe.rules.flow === "hold") pipe.setRules({ ...pipe.rules, flow: "pass" });
    }
  }

  delay(direction: Directions, ms: number): void {
    this.#change(direction, delayRule(ms));
  }

  limit(direction: Directions, bytesPerSecond: number): void {
    this.#change(direction, rateRule(bytesPerSecond));
  }

  cutAfter(direction: Directions, bytes: number, how: EndKind = "cut"): void {
    this.#change(direction, endAfterRule(bytes, how));
  }

  heal(): void {
    if (DIRECTIONS.some((each) => this.#pipes[each].lost)) this.reset();
    else this.#change("both", NO_FAULT);
  }

  /** @internal Ends hold and half-open of one direction; resets the connection when it has lost bytes. */
  resume(direction: Direction): void {
    if (this.#pipes[direction].lost) this.reset();
    else this.#change(direction, { flow: "pass" });
  }

  #change(direction: Directions, change: Partial<Rules>): void {
    for (const each of directionsOf(direction)) {
      const pipe = this.#pipes[each];
      pipe.setRules({ ...pipe.rules, ...change });
    }
  }

  #read(direction: Direction, { received }: FaultConnectionParts): void {
    const pipe = this.#pipes[direction];
    const [from, opposite] =
      direction === "requests" ? [this.#client, this.#pipes.answers] : [this.#upstream, this.#pipes.requests];
    from.on("data", (chunk: Buffer) => {
      this.#received[direction] += chunk.length;
      received(direction, chunk);
      // What is told of the bytes may have ended the connection.
      if (this.#open) pipe.push(chunk);
    });
    from.on("end", () => pipe.push("end"));
    // What went wrong is told by "close".
    from.on("error", () => {});
    from.on("close", (failed) => {
      opposite.close();
      if (failed) pipe.push("reset");
      if (this.#client.destroyed && this.#upstream.destroyed) this.#end(() => {});
    });
  }

  #end(finish: (socket: Socket) => void): void {
    if (!this.#open) return;
    this.#open = false;
    for (const each of DIRECTIONS) this.#pipes[each].close();
    for (const socket of [this.#client, this.#upstream]) finish(socket);
    this.#onClosed();
  }
}
