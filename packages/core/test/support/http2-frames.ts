const HEADER_BYTES = 9;
const HEADERS_FRAME = 0x1;

/** Walks the frames of one direction of an HTTP/2 connection, however they are cut into chunks. */
export class FrameWalker {
  #skip: number;
  #header: Buffer = Buffer.alloc(0);

  /** `prefaceBytes` is what comes before the first frame: 24 from a client, 0 from a server. */
  constructor(prefaceBytes: number) {
    this.#skip = prefaceBytes;
  }

  /** The ids of the HTTP/2 streams for which a HEADERS frame begins in this chunk. */
  headersIn(chunk: Buffer): number[] {
    const streams: number[] = [];
    let rest = chunk;
    for (;;) {
      const skipped = Math.min(this.#skip, rest.length);
      this.#skip -= skipped;
      rest = rest.subarray(skipped);
      if (rest.length === 0) return streams;
      const wanted = HEADER_BYTES - this.#header.length;
      this.#header = Buffer.concat([this.#header, rest.subarray(0, wanted)]);
      rest = rest.subarray(wanted);
      if (this.#header.length < HEADER_BYTES) return streams;
      if (this.#header.readUInt8(3) === HEADERS_FRAME) streams.push(this.#header.readUInt32BE(5));
      this.#skip = this.#header.readUIntBE(0, 3);
      this.#header = Buffer.alloc(0);
    }
  }
}
