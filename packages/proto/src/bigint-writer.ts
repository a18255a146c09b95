import protobuf from "protobufjs";

/** protobufjs' writer, taking 64-bit integers as bigint, so that a plain object is encoded without being copied first. */
export class BigIntWriter extends protobuf.BufferWriter {
  override int64(value: unknown): this {
    super.uint64(toWords(value) as never);
    return this;
  }

  override uint64(value: unknown): this {
    return this.int64(value);
  }
}

/** The two 32-bit halves, as protobufjs reads them from its `Long`. Anything but a bigint is protobufjs' own business. */
function toWords(value: unknown): unknown {
  if (typeof value !== "bigint") return value;
  return { low: Number(BigInt.asIntN(32, value)), high: Number(BigInt.asIntN(32, value >> 32n)) };
}
