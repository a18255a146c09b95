// protobufjs is CommonJS, and Node does not see its names.
import protobuf from "protobufjs";

/** BigInt(n) for the numbers that most 64-bit fields hold; making one anew costs more than looking it up. */
const SMALL = Array.from({ length: 128 }, (_, value) => BigInt(value));

/**
 * protobufjs' reader with 64-bit integers as bigint. With it a message is decoded in one pass; protobufjs' own way makes
 * `Long` objects first and a second object tree from them.
 */
export class BigIntReader extends protobuf.BufferReader {
  #last = 0;
  #lastBig = 0n;

  // The declared type is protobufjs' `Long`; what the generated decoders do with the value is to store it.
  override int64(): never {
    return BigInt.asIntN(64, this.#varint()) as never;
  }

  override uint64(): never {
    return BigInt.asUintN(64, this.#varint()) as never;
  }

  #varint(): bigint {
    const { buf } = this;
    let byte = this.#byte(buf, this.pos);
    this.pos += 1;
    if (byte < 0x80) return SMALL[byte] as bigint;
    // Seven groups of 7 bits stay exact in a double.
    let low = byte & 0x7f;
    let factor = 0x80;
    for (let group = 1; group < 7; group += 1) {
      byte = this.#byte(buf, this.pos);
      this.pos += 1;
      low += (byte & 0x7f) * factor;
      if (byte < 0x80) return this.#big(low);
      factor *= 0x80;
    }
    let value = BigInt(low);
    for (let shift = 49n; shift < 70n; shift += 7n) {
      byte = this.#byte(buf, this.pos);
      this.pos += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError("invalid varint encoding");
  }

  /** A key's revisions are often one number, or the same as its neighbour's. */
  #big(value: number): bigint {
    if (value !== this.#last) {
      this.#last = value;
      this.#lastBig = BigInt(value);
    }
    return this.#lastBig;
  }

  #byte(buffer: Uint8Array, position: number): number {
    if (position >= this.len) throw new RangeError(`index out of range: ${position} >= ${this.len}`);
    return buffer[position] as number;
  }
}
