import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { Readable, Transform } from "node:stream";

/** How long the server may take until it begins to answer: a machine without a way out must find out soon. */
const ANSWER_MS = 5_000;
const DOWNLOAD_MS = 300_000;

/** The server did not answer at all, which will not be different a moment later. */
export class UnreachableError extends Error {}

/** A small text file. */
export async function downloadText(url: string, signal: AbortSignal | undefined): Promise<string> {
  const response = await open(url, signal);
  return response.text();
}

/** Writes a file, and gives its SHA-256 in lower-case hex. */
export async function downloadFile(
  url: string,
  path: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const response = await open(url, signal);
  if (response.body === null) throw new Error(`${url} is empty`);
  const hash = createHash("sha256");
  const hashing = new Transform({
    transform(chunk: Buffer, _encoding, done): void {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  await pipeline(Readable.fromWeb(response.body), hashing, createWriteStream(path));
  return hash.digest("hex");
}

async function open(url: string, signal: AbortSignal | undefined): Promise<Response> {
  const slow = new AbortController();
  const patience = setTimeout(() => slow.abort(new Error(`no answer within ${ANSWER_MS} ms`)), ANSWER_MS);
  try {
    const signals = [
      slow.signal,
      AbortSignal.timeout(DOWNLOAD_MS),
      ...(signal === undefined ? [] : [signal]),
    ];
    const response = await fetch(url, { signal: AbortSignal.any(signals) });
    if (!response.ok) throw new Error(`${url} answers ${response.status} ${response.statusText}`);
    return response;
  } catch (error) {
    signal?.throwIfAborted();
    if (slow.signal.aborted || error instanceof TypeError) {
      const { message, cause } = error as Error;
      throw new UnreachableError(`${new URL(url).host} cannot be reached (${describe(cause) ?? message})`, {
        cause: error,
      });
    }
    throw error;
  } finally {
    clearTimeout(patience);
  }
}

/** The reason under fetch's bare "fetch failed". */
function describe(cause: unknown): string | undefined {
  if (!(cause instanceof Error)) return undefined;
  return cause.message === "" ? (cause as NodeJS.ErrnoException).code : cause.message;
}
