import type { Socket } from "node:net";
import { NO_FAULT, type EndKind, type Rules } from "./rules.ts";

/** With a rate, this much time's worth of bytes goes out at once. */
const PACE_MS = 20;

/** What came in, in its order: bytes, or how the sender ended. */
interface Item {
  readonly what: Buffer | "end" | "reset";
  readonly at: number;
}

/** What a {@link Pipe} tells the connection it belongs to. */
export interface PipeEvents {
  readonly passed: (bytes: number) => void;
  /** The rules say that the connection ends here. */
  readonly ends: (how: EndKind) => void;
}

/**
 * One direction of a proxied connection. It keeps the order of what came in, applies the {@link Rules} to it, and stops
 * reading from the sender when it keeps back more than `maxBufferBytes`, as a network does that does not get rid of its bytes.
 */
export class Pipe {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #maxBufferBytes: number;
  readonly #events: PipeEvents;
  readonly #queue: Item[] = [];
  #queuedBytes = 0;
  #rules: Rules = NO_FAULT;
  #lost = false;
  #blocked = false;
  #closed = false;
  /** With a rate: when the next bytes may go. */
  #nextAt = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(from: Socket, to: Socket, maxBufferBytes: number, events: PipeEvents) {
    this.#from = from;
    this.#to = to;
    this.#maxBufferBytes = maxBufferBytes;
    this.#events = events;
    to.on("drain", () => {
      this.#blocked = false;
      this.#drain();
    });
  }

  get rules(): Rules {
    return this.#rules;
  }

  /** Whether something was thrown away, so that nothing that follows would make sense to the receiver. */
  get lost(): boolean {
    return this.#lost;
  }

  setRules(rules: Rules): void {
    if (rules.bytesPerSecond !== this.#rules.bytesPerSecond) this.#nextAt = 0;
    this.#rules = rules;
    this.#drain();
  }

  /** Takes what the sender sent, or how it ended. */
  push(what: Item["what"]): void {
    if (this.#closed) return;
    this.#queue.push({ what, at: performance.now() });
    if (typeof what === "object") this.#queuedBytes += what.length;
    this.#drain();
    if (this.#queuedBytes >= this.#maxBufferBytes) this.#from.pause();
  }

  /** Throws away what is still here: there is no receiver any more. What the sender sends is read and forgotten. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#clear();
  }

  #drain(): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    if (this.#rules.flow === "drop") {
      this.#lost ||= this.#queue.length > 0;
      this.#clear();
      return;
    }
    while (this.#rules.flow === "pass" && !this.#blocked && !this.#closed) {
      const [first] = this.#queue;
      if (first === undefined) return;
      const now = performance.now();
      const waitMs = Math.max(first.at + this.#rules.delayMs, this.#nextAt) - now;
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.#drain(), Math.ceil(waitMs));
        return;
      }
      if (first.what === "end") {
        this.#queue.shift();
        this.#to.end();
      } else if (first.what === "reset") {
        this.#queue.shift();
        this.#events.ends("reset");
      } else this.#pass(first.what, first.at, now);
    }
  }

  /** Sends as much of the first bytes as the rules allow. */
  #pass(chunk: Buffer, at: number, now: number): void {
    const { bytesPerSecond, endAfter } = this.#rules;
    const paced = Math.max(1, Math.floor((bytesPerSecond * PACE_MS) / 1_000));
    const size = Math.min(chunk.length, paced, endAfter?.bytes ?? chunk.length);
    if (size < chunk.length) this.#queue[0] = { what: chunk.subarray(size), at };
    else this.#queue.shift();
    this.#queuedBytes -= size;
    this.#nextAt = Math.max(this.#nextAt, now) + (size / bytesPerSecond) * 1_000;
    if (size > 0) this.#events.passed(size);
    if (endAfter !== undefined) {
      const left = endAfter.bytes - size;
      this.#rules = { ...this.#rules, endAfter: { ...endAfter, bytes: left } };
      if (left === 0) {
        // The last bytes have to be the kernel's before the connection ends, or they would not arrive.
        this.close();
        this.#to.write(chunk.subarray(0, size), () => this.#events.ends(endAfter.how));
        return;
      }
    }
    this.#blocked = !this.#to.write(chunk.subarray(0, size));
    if (this.#queuedBytes < this.#maxBufferBytes) this.#from.resume();
  }

  #clear(): void {
    this.#queue.length = 0;
    this.#queuedBytes = 0;
    this.#from.resume();
  }
}
