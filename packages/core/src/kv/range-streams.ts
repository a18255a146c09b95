import type { RangeRequestInput } from "@quorumkit/proto";
import type { Connection } from "../transport/connection.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import * as rpcs from "../transport/rpcs.ts";
import { acquireEndpoint, readServerStream, type StreamEnd } from "../transport/server-stream.ts";
import { KeyValue } from "./key-value.ts";
import type { Page } from "./page.ts";
import { printable } from "./printable.ts";

/** Members get upgraded while their clients run. */
const ASK_AGAIN_MS = 10 * 60_000;

/** Of all clients, since the namespaces of one share its endpoints and may be short-lived. */
const lackingUntil = new WeakMap<Endpoint, number>();

export interface StreamedPagesOptions {
  /** Keys per page, at most. */
  readonly limit: number;
  /** How long opening, and then each piece, may take, in ms. */
  readonly waitMs: number;
  readonly signal: AbortSignal | undefined;
}

/** How far a stream came. */
export interface Streamed {
  /** Whether it gave all there is. */
  readonly complete: boolean;
  /** The last key it gave. */
  readonly last: Buffer | undefined;
  /** How long it had been waiting when it failed, in ms. */
  readonly waitedMs: number;
}

/**
 * Reads ranges as a stream where the member has RangeStream (etcd 3.7), and remembers which members do not. It never
 * throws: what failed tells how far it came, and a page read in its place tells what is wrong.
 */
export class RangeStreams {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** `request` names the revision: the stream itself tells only at its end of which one it is. */
  async *pages(
    request: RangeRequestInput & { readonly revision: bigint },
    { limit, waitMs, signal }: StreamedPagesOptions,
  ): AsyncGenerator<Page, Streamed, void> {
    const { revision } = request;
    let last: Buffer | undefined;
    let waitingSince = performance.now();
    const failed = (): Streamed => ({ complete: false, last, waitedMs: performance.now() - waitingSince });
    const deadline = waitingSince + waitMs;
    const endpoint = await acquireEndpoint(this.#connection, { signal, deadline });
    if (endpoint === undefined || lacksStreams(endpoint)) return failed();
    const pieces = readServerStream(endpoint, this.#connection.spoken(rpcs.rangeStream), request, {
      connectMs: Math.max(1, deadline - performance.now()),
      messageMs: waitMs,
      signal,
      stop: this.#connection.closing,
    });
    try {
      for (;;) {
        waitingSince = performance.now();
        const next = await pieces.next();
        if (next.done === true) {
          if (!next.value.ok && next.value.error.code === "UNIMPLEMENTED")
            lackingUntil.set(endpoint, performance.now() + ASK_AGAIN_MS);
          return next.value.ok ? { complete: true, last, waitedMs: 0 } : failed();
        }
        const wire = next.value.rangeResponse?.kvs ?? [];
        for (let first = 0; first < wire.length; first += limit) {
          const kvs = wire.slice(first, first + limit).map((each) => new KeyValue(each));
          last = kvs.at(-1)?.keyBytes;
          yield printable({ revision, kvs });
        }
      }
    } finally {
      // A reader that leaves early leaves the server's stream, too.
      await pieces.return(LEFT);
    }
  }
}

function lacksStreams(endpoint: Endpoint): boolean {
  return (lackingUntil.get(endpoint) ?? 0) > performance.now();
}

const LEFT: StreamEnd = { ok: true };
