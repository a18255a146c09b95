import type { WatchRequestInput, WatchResponse } from "@quorumkit/proto";
import { EtcdError } from "../errors/etcd-error.ts";
import type { Connection } from "../transport/connection.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import type { RpcStream } from "../transport/rpc-stream.ts";
import * as rpcs from "../transport/rpcs.ts";
import { pause } from "../util/abort.ts";
import { backoffMs } from "../util/backoff.ts";

type Stream = RpcStream<WatchRequestInput, WatchResponse>;

/**
 * How long a new stream may take to say its first word. Pings find a dead connection, but only once there is one: a
 * member that accepts connections and then does nothing would hold up the watches for as long as it pleases.
 */
const FIRST_ANSWER_MS = 3_000;

/** A stream that broke earlier than this is a failed try, and the next one waits. */
const LASTING_MS = 1_000;
const REOPEN = { initialMs: 50, maxMs: 2_000 };

/** Whose stream it is. */
export interface StreamUser {
  /** Whether there is anything to have a stream for. */
  isIdle(): boolean;
  /** What can be sent now shall be: there is a stream, or {@link KeptStream.open} is to be called once more. */
  proceed(): void;
  onMessage(response: WatchResponse): void;
  /** The stream is gone, or could not be had; `temporary` tells whether another one can do better. */
  onEnd(error: EtcdError, temporary: boolean): void;
}

/**
 * A watch stream that is opened when it is needed, and opened anew after it broke: elsewhere first, then with longer and
 * longer waits. What was said on the old one has to be said again; that is up to its user.
 */
export class KeptStream {
  readonly #connection: Connection;
  readonly #user: StreamUser;
  #stream: Stream | undefined;
  #opening = false;
  #openedAt = 0;
  /** How many streams in a row broke before they had lasted. */
  #failures = 0;
  #answered = false;
  #answerTimer: NodeJS.Timeout | undefined;
  #avoid: Endpoint | undefined;
  #paused = false;

  constructor(connection: Connection, user: StreamUser) {
    this.#connection = connection;
    this.#user = user;
  }

  /** The stream at hand; undefined while there is none. */
  get current(): Stream | undefined {
    return this.#stream;
  }

  /** Has a stream opened, unless one is there or on its way. */
  open(): void {
    if (this.#stream === undefined && !this.#opening) void this.#open();
  }

  /** Stops reading, also what is opened later, which by HTTP/2 flow control stops the server. */
  pause(): void {
    this.#paused = true;
    this.#stream?.pause();
    this.#expectAnswer();
  }

  resume(): void {
    this.#paused = false;
    this.#stream?.resume();
    this.#expectAnswer();
  }

  /** Ends the stream, since nobody needs it any more. */
  drop(): void {
    if (this.#answered) this.#failures = 0;
    this.#stream?.cancel();
    this.#forget();
  }

  async #open(): Promise<void> {
    this.#opening = true;
    // After a stream that had lasted, and once more on another endpoint, it is tried at once.
    if (this.#failures > 1) await pause(backoffMs(this.#failures - 2, REOPEN), this.#connection.closing);
    let stream: Stream | undefined;
    try {
      stream = this.#user.isIdle() ? undefined : await this.#openStream();
    } catch (error) {
      this.#opening = false;
      this.#ended(EtcdError.from(error), false);
      return;
    }
    this.#opening = false;
    if (stream === undefined) {
      // Nobody was left to open it for, but that may have changed; or the client closes, which ends the watchers too.
      if (!this.#connection.closing.aborted) this.#user.proceed();
      return;
    }
    if (this.#user.isIdle()) {
      stream.cancel();
      return;
    }
    if (!stream.ended) {
      this.#stream = stream;
      this.#openedAt = performance.now();
      if (this.#paused) stream.pause();
      this.#expectAnswer();
    }
    this.#user.proceed();
  }

  async #openStream(): Promise<Stream | undefined> {
    return this.#connection.openStream(
      rpcs.watch,
      {
        onMessage: (response) => this.#received(response),
        onEnd: (error, temporary) => this.#ended(error, temporary),
      },
      { avoid: this.#avoid },
    );
  }

  /** A stream that is read and has not answered yet has to, before long. */
  #expectAnswer(): void {
    clearTimeout(this.#answerTimer);
    const stream = this.#stream;
    if (stream === undefined || this.#answered || this.#paused) return;
    this.#answerTimer = setTimeout(() => {
      this.#ended(stream.abandon(`no answer within ${FIRST_ANSWER_MS} ms`), true);
    }, FIRST_ANSWER_MS);
  }

  #received(response: WatchResponse): void {
    if (!this.#answered) {
      this.#answered = true;
      clearTimeout(this.#answerTimer);
    }
    this.#user.onMessage(response);
  }

  #ended(error: EtcdError, temporary: boolean): void {
    const lasted = this.#answered && performance.now() - this.#openedAt >= LASTING_MS;
    this.#failures = lasted ? 0 : this.#failures + 1;
    this.#avoid = this.#stream?.endpoint;
    this.#forget();
    this.#user.onEnd(error, temporary);
  }

  #forget(): void {
    clearTimeout(this.#answerTimer);
    this.#stream = undefined;
    this.#answered = false;
  }
}
