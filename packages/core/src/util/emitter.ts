import { EventEmitter } from "eventemitter3";

type Listener = (...args: unknown[]) => void;

/** Each listener in its guard, and each guard as its own: what is given to `off` finds what `on` has stored. */
const guards = new WeakMap<Listener, Listener>();
const originals = new WeakMap<Listener, Listener>();

/**
 * The event emitter of everything public. Listeners cannot harm each other, nor the stream that told them something: one
 * that throws is an uncaught exception of the program, but only after the others have been called.
 */
export class Emitter<Events extends EventEmitter.ValidEventTypes> extends EventEmitter<Events> {
  override on<Name extends EventEmitter.EventNames<Events>>(
    event: Name,
    listener: EventEmitter.EventListener<Events, Name>,
    context?: unknown,
  ): this {
    return super.on(event, guarded(listener), context);
  }

  override addListener<Name extends EventEmitter.EventNames<Events>>(
    event: Name,
    listener: EventEmitter.EventListener<Events, Name>,
    context?: unknown,
  ): this {
    return this.on(event, listener, context);
  }

  override once<Name extends EventEmitter.EventNames<Events>>(
    event: Name,
    listener: EventEmitter.EventListener<Events, Name>,
    context?: unknown,
  ): this {
    return super.once(event, guarded(listener), context);
  }

  override off<Name extends EventEmitter.EventNames<Events>>(
    event: Name,
    listener?: EventEmitter.EventListener<Events, Name>,
    context?: unknown,
    once?: boolean,
  ): this {
    return this.removeListener(event, listener, context, once);
  }

  /** Called by `emit` too, for a listener of `once`. */
  override removeListener<Name extends EventEmitter.EventNames<Events>>(
    event: Name,
    listener?: EventEmitter.EventListener<Events, Name>,
    context?: unknown,
    once?: boolean,
  ): this {
    return super.removeListener(event, guarded(listener), context, once);
  }

  override listeners<Name extends EventEmitter.EventNames<Events>>(
    event: Name,
  ): EventEmitter.EventListener<Events, Name>[] {
    return super.listeners(event).map((guard) => originals.get(guard as Listener) as typeof guard);
  }
}

function guarded<T>(given: T): T {
  // What is no function is refused by the emitter itself.
  if (typeof given !== "function") return given;
  const listener = given as unknown as Listener;
  const known = guards.get(listener);
  if (known !== undefined) return known as T;
  const guard: Listener = function (this: unknown, ...args) {
    try {
      listener.apply(this, args);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  };
  guards.set(listener, guard);
  guards.set(guard, guard);
  originals.set(guard, listener);
  return guard as T;
}
