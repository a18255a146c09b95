import type { Metadata, ServerDuplexStream, ServerWritableStream } from "@grpc/grpc-js";
import type { StatusError } from "../errors.ts";
import { TooLarge } from "../services/too-large.ts";
import { shortName } from "./method-names.ts";

/** A stream that clients have open, as a filter sees it. */
export interface StreamView {
  /** For example "Watch". */
  readonly method: string;
  /** Name of the member that serves it. */
  readonly member: string;
  /** Counts the streams of the server from 1, in the order in which they were opened. */
  readonly id: number;
  /** The client's address. */
  readonly peer: string;
}

type AnyCall = ServerWritableStream<unknown, unknown> | ServerDuplexStream<unknown, unknown>;
type Emit = (event: string | symbol, ...args: unknown[]) => boolean;

/**
 * One stream from the server's end. While it is blocked nothing passes in either direction; all of it passes later, in
 * its order. Requests reach whoever serves the stream by the events "data" and "end".
 */
export class OpenStream implements StreamView {
  readonly id: number;
  readonly path: string;
  readonly method: string;
  readonly member: string;
  readonly peer: string;
  readonly metadata: Metadata;
  readonly #call: AnyCall;
  readonly #emit: Emit;
  readonly #over = new AbortController();
  #blocks = 0;
  #passing: (() => void)[] = [];
  #isOver = false;

  constructor(call: AnyCall, path: string, member: string, id: number) {
    this.#call = call;
    this.#emit = call.emit.bind(call) as Emit;
    this.path = path;
    this.method = shortName(path);
    this.member = member;
    this.id = id;
    this.peer = call.getPeer();
    this.metadata = call.metadata;
    this.#intercept();
  }

  /** Aborted when the stream is over. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** Blocks the stream until the returned function is called. */
  block(): () => void {
    this.#blocks += 1;
    let isReleased = false;
    return () => {
      if (isReleased) return;
      isReleased = true;
      this.#blocks -= 1;
      this.#flush();
    };
  }

  /** Ends the stream with a status, blocked or not. */
  end(error: StatusError): void {
    if (this.#isOver) return;
    this.#passing = [];
    // First the status: whoever serves the stream may answer the signal by ending it in good order.
    this.#finish(() => this.#emit("error", { code: error.code, details: error.details }));
  }

  /** Whoever serves it is told that it is over; the client is told nothing. */
  abandon(): void {
    this.#finish(() => undefined);
  }

  #finish(tell: () => void): void {
    if (this.#isOver) return;
    this.#isOver = true;
    tell();
    this.#over.abort();
  }

  #intercept(): void {
    const call = this.#call;
    const write = call.write.bind(call) as (answer: unknown) => boolean;
    const end = call.end.bind(call) as (metadata?: unknown) => AnyCall;
    call.write = (answer: unknown): boolean => {
      if (this.#isOver) return false;
      if (this.#blocks === 0 && this.#passing.length === 0) return write(answer);
      this.#passing.push(() => void write(answer));
      return false;
    };
    call.end = ((metadata?: unknown): AnyCall => {
      if (this.#isOver || (this.#blocks === 0 && this.#passing.length === 0)) end(metadata);
      else this.#passing.push(() => void end(metadata));
      return call;
    }) as typeof call.end;
    call.emit = ((event: string | symbol, ...args: unknown[]): boolean =>
      this.#onEvent(event, args)) as typeof call.emit;
    call.once("cancelled", () => {
      this.abandon();
    });
    call.once("finish", () => {
      this.abandon();
    });
  }

  #onEvent(event: string | symbol, args: unknown[]): boolean {
    if (event !== "data" && event !== "end") return this.#emit(event, ...args);
    if (this.#isOver) return false;
    if (args[0] instanceof TooLarge) {
      this.end(args[0].error);
      return false;
    }
    if (this.#blocks > 0 || this.#passing.length > 0) {
      this.#passing.push(() => void this.#emit(event, ...args));
      return true;
    }
    return this.#emit(event, ...args);
  }

  #flush(): void {
    while (this.#blocks === 0) {
      const next = this.#passing.shift();
      if (next === undefined) break;
      next();
    }
    if (this.#blocks === 0 && !this.#isOver && !this.#call.writableNeedDrain) this.#emit("drain");
  }
}
