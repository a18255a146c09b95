import * as fc from "fast-check";
import type { HistoryEvent } from "../../../src/history/index.ts";

/** What a process of a simulation does next, as fast-check chose it. */
export interface Choice {
  readonly process: number;
  /** Which operation, and with what. */
  readonly what: number;
  readonly how: number;
}

/** Steps of concurrent processes; each step moves one of them on: invocation, effect, completion. */
export function choices(processes: number, maxLength: number): fc.Arbitrary<Choice[]> {
  const choice = fc.record({
    process: fc.nat({ max: processes - 1 }),
    what: fc.nat({ max: 99 }),
    how: fc.nat({ max: 99 }),
  });
  return fc.array(choice, { maxLength, size: "max" });
}

/** Writes events with times that only grow. */
export class Scribe {
  readonly events: HistoryEvent[] = [];
  #time = 1_000;
  #id = 0;

  invoke(process: string, op: string, key: string, value?: unknown): number {
    this.#id += 1;
    this.#push("invoke", process, this.#id, op, key, value);
    return this.#id;
  }

  complete(type: "ok" | "fail" | "info", invoked: HistoryEvent, value?: unknown): void {
    this.#push(type, invoked.process, invoked.id, invoked.op, invoked.key ?? "", value);
  }

  note(process: string, op: string, key: string, value?: unknown): void {
    this.#id += 1;
    this.#push("note", process, this.#id, op, key, value);
  }

  eventOf(id: number): HistoryEvent {
    return this.events.find((event) => event.id === id) as HistoryEvent;
  }

  #push(
    type: HistoryEvent["type"],
    process: string,
    id: number,
    op: string,
    key: string,
    value: unknown,
  ): void {
    this.#time += 10;
    const event: HistoryEvent = { time: String(this.#time), process, id, type, op, key };
    this.events.push(value === undefined ? event : { ...event, value });
  }
}
