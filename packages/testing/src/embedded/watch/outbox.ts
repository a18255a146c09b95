import type { WatchResponseInput } from "@quorumkit/proto";

/** The half of a grpc-js stream that answers go into. */
export interface AnswerStream {
  /** False: enough for now, until "drain". */
  write(answer: WatchResponseInput): boolean;
  once(event: "drain", listener: () => void): unknown;
  pause(): unknown;
  resume(): unknown;
}

/** As many answers wait for a slow client before its watches fall behind. Source: etcd, mvcc.chanBufLen. */
const roomForEvents = 128;
/** As many more before no further requests are read. Source: etcd, v3rpc.ctrlStreamBufLen. */
const roomForControl = 16;

/**
 * Answers on their way to one client, in order and never many: events are only put in while there is room, and while too
 * many answers to requests wait, no more requests are read.
 */
export class Outbox {
  readonly #stream: AnswerStream;
  readonly #onEmpty: () => void;
  readonly #waiting: WatchResponseInput[] = [];
  #isBlocked = false;
  #isPaused = false;
  #isClosed = false;

  /** @param onEmpty Called when a client that was slow has taken everything. */
  constructor(stream: AnswerStream, onEmpty: () => void) {
    this.#stream = stream;
    this.#onEmpty = onEmpty;
  }

  /** Whether one more answer with events may be put in. */
  get hasRoom(): boolean {
    return !this.#isClosed && this.#waiting.length < roomForEvents;
  }

  /** Whether the client keeps up. */
  get isFlowing(): boolean {
    return !this.#isClosed && !this.#isBlocked;
  }

  put(answer: WatchResponseInput): void {
    if (this.#isClosed) return;
    this.#waiting.push(answer);
    this.#flush();
    if (this.#isPaused || this.#waiting.length < roomForEvents + roomForControl) return;
    this.#isPaused = true;
    this.#stream.pause();
  }

  close(): void {
    this.#isClosed = true;
    this.#waiting.length = 0;
  }

  #flush(): void {
    let sent = 0;
    while (!this.#isBlocked && sent < this.#waiting.length) {
      const answer = this.#waiting[sent++];
      if (answer === undefined || this.#stream.write(answer)) continue;
      this.#isBlocked = true;
      this.#stream.once("drain", () => {
        this.#drained();
      });
    }
    this.#waiting.splice(0, sent);
  }

  #drained(): void {
    this.#isBlocked = false;
    if (this.#isClosed) return;
    this.#flush();
    if (this.#isPaused && this.#waiting.length < roomForControl) {
      this.#isPaused = false;
      this.#stream.resume();
    }
    if (this.isFlowing) this.#onEmpty();
  }
}
