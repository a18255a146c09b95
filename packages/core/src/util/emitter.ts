import { EventEmitter } from "eventemitter3";

/**
 * The event emitter of everything public. A listener that throws must not break the stream that told it something, so
 * its error goes where any uncaught error of the program goes.
 */
export class Emitter<Events extends EventEmitter.ValidEventTypes> extends EventEmitter<Events> {
  override emit<Name extends EventEmitter.EventNames<Events>>(
    event: Name,
    ...args: EventEmitter.EventArgs<Events, Name>
  ): boolean {
    try {
      return super.emit(event, ...args);
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
      return true;
    }
  }
}
