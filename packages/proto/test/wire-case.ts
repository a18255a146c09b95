/** One message and its bytes, written by hand from etcd's field numbers. */
export interface WireCase {
  readonly name: string;
  readonly input: object;
  /** One group per field, its tag first: field number times 8, plus 0 for a varint or 2 for all that has a length. */
  readonly hex: string;
  readonly encode: () => string;
  readonly decode: () => object;
}

interface Codec<Input, Decoded> {
  encode(input: Input): Buffer;
  decode(buffer: Buffer): Decoded;
}

/** The request of one RPC: written by its client, read by its server. */
export function request<Input, Decoded>(
  client: { requestSerialize(input: Input): Buffer },
  server: { requestDeserialize(buffer: Buffer): Decoded },
): Codec<Input, Decoded> {
  return {
    encode: (input) => client.requestSerialize(input),
    decode: (buffer) => server.requestDeserialize(buffer),
  };
}

/** The answer of one RPC: written by its server, read by its client. */
export function response<Input, Decoded>(
  server: { responseSerialize(input: Input): Buffer },
  client: { responseDeserialize(buffer: Buffer): Decoded },
): Codec<Input, Decoded> {
  return {
    encode: (input) => server.responseSerialize(input),
    decode: (buffer) => client.responseDeserialize(buffer),
  };
}

export function wireCase<Input extends object, Decoded extends object>(
  name: string,
  codec: Codec<Input, Decoded>,
  input: Input,
  spacedHex: string,
): WireCase {
  const hex = spacedHex.replace(/\s+/g, "");
  return {
    name,
    input,
    hex,
    encode: () => codec.encode(input).toString("hex"),
    decode: () => codec.decode(Buffer.from(hex, "hex")),
  };
}
