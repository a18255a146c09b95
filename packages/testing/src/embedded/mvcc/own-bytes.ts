/** Bytes that may be kept: a small part of a large buffer, such as a message, would hold all of it in memory. */
export function ownBytes(bytes: Buffer): Buffer {
  return bytes.length * 2 < bytes.buffer.byteLength ? Buffer.from(bytes) : bytes;
}
