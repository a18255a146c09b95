import { EventEmitter } from "node:events";

/**
 * Typed events whose listeners cannot harm each other. A listener that throws is an uncaught exception of the process,
 * as with any Node emitter that is fed from the network, but only after the others have been called.
 */
export class Listeners<Events extends object> {
  readonly #emitter = new EventEmitter();

  on<E extends keyof Events & string>(event: E, listener: (payload: Events[E]) => void): void {
    this.#emitter.on(event, listener);
  }

  once<E extends keyof Events & string>(event: E, listener: (payload: Events[E]) => void): void {
    this.#emitter.once(event, listener);
  }

  off<E extends keyof Events & string>(event: E, listener: (payload: Events[E]) => void): void {
    this.#emitter.off(event, listener);
  }

  emit<E extends keyof Events & string>(event: E, payload: Events[E]): void {
    // The raw listeners of `once` are wrappers that remove themselves when called.
    for (const listener of this.#emitter.rawListeners(event)) {
      try {
        listener.call(undefined, payload);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  clear(): void {
    this.#emitter.removeAllListeners();
  }
}
