import { createHash } from "node:crypto";
import { EtcdError } from "../errors/etcd-error.ts";
import type { CallOptions } from "../transport/call-options.ts";
import type { Connection } from "../transport/connection.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import * as rpcs from "../transport/rpcs.ts";
import { serverStream } from "../transport/server-stream.ts";

/** SHA-256 of the database, which the server sends after it. The database itself is whole pages of 512 bytes or more. */
const CHECKSUM_BYTES = 32;
const PAGE_BYTES = 512;

/**
 * A member's whole database on its way: `for await (const piece of snapshot)`, or `pipeline(snapshot, …)`. It can be read
 * once. Reading ends with a `PROTOCOL` error when the database is incomplete or not what its checksum says, so what was
 * read is good only when the end was reached. The checksum is the last 32 bytes, where `etcdutl` looks for it.
 */
export class Snapshot implements AsyncIterable<Buffer> {
  readonly #source: () => AsyncIterable<{
    readonly blob: Buffer;
    readonly remainingBytes: bigint;
    readonly version: string;
  }>;
  #begun = false;
  #receivedBytes = 0;
  #remainingBytes: number | undefined;
  #version: string | undefined;

  constructor(
    connection: Connection,
    { endpoint, signal, timeoutMs }: CallOptions & { readonly endpoint: Endpoint | undefined },
  ) {
    const messageMs = timeoutMs ?? connection.defaultTimeoutMs;
    this.#source = () =>
      serverStream(connection, rpcs.snapshot, {}, { endpoint, signal, timeoutMs, messageMs });
  }

  /** How much has been read, in bytes. */
  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** How much of the database is still to come, in bytes; undefined before the first piece. */
  get remainingBytes(): number | undefined {
    return this.#remainingBytes;
  }

  /** The version of the storage format; undefined before the first piece, and where the server does not tell (before 3.6). */
  get version(): string | undefined {
    return this.#version;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, void> {
    if (this.#begun) throw new TypeError("a snapshot can be read once; ask for another");
    this.#begun = true;
    const hash = createHash("sha256");
    // The last 32 bytes so far: only the end tells whether they are data or the checksum.
    let tail: Buffer = Buffer.alloc(0);
    for await (const { blob, remainingBytes, version } of this.#source()) {
      this.#receivedBytes += blob.length;
      this.#remainingBytes = Number(remainingBytes);
      if (version !== "") this.#version = version;
      const unhashed = Buffer.concat([tail, blob]);
      const data = Math.max(0, unhashed.length - CHECKSUM_BYTES);
      hash.update(unhashed.subarray(0, data));
      tail = unhashed.subarray(data);
      if (blob.length > 0) yield blob;
    }
    if (this.#receivedBytes % PAGE_BYTES !== CHECKSUM_BYTES) {
      throw new EtcdError(
        "PROTOCOL",
        `the snapshot ended after ${this.#receivedBytes} bytes, which is not whole pages and a checksum`,
      );
    }
    if (!hash.digest().equals(tail)) {
      throw new EtcdError("PROTOCOL", "the snapshot is not what its checksum says");
    }
  }
}
