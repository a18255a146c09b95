import type { Socket } from "node:net";

/** One direction of a proxied connection: keeps the order, and can hold bytes back or delay them. */
export class Pipe {
  readonly #to: Socket;
  readonly #queue: { readonly chunk: Buffer; readonly dueAt: number }[] = [];
  #held = false;
  #delayMs = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(to: Socket) {
    this.#to = to;
  }

  set({ held, delayMs }: { readonly held: boolean; readonly delayMs: number }): void {
    this.#held = held;
    this.#delayMs = delayMs;
    this.#drain();
  }

  push(chunk: Buffer): void {
    this.#queue.push({ chunk, dueAt: performance.now() + this.#delayMs });
    this.#drain();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#queue.length = 0;
  }

  #drain(): void {
    clearTimeout(this.#timer);
    for (;;) {
      const [first] = this.#queue;
      if (first === undefined || this.#held) return;
      const waitMs = first.dueAt - performance.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.#drain(), Math.ceil(waitMs));
        return;
      }
      this.#queue.shift();
      this.#to.write(first.chunk);
    }
  }
}
