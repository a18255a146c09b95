import type { Http2Server, IncomingHttpHeaders } from "node:http2";
import type { Server } from "@grpc/grpc-js";

const timeoutHeader = "grpc-timeout";
/** Whole seconds that a timer of Node can wait: about 24 days. */
const longestSeconds = Math.floor((2 ** 31 - 1) / 1000);
const secondsPer: Readonly<Record<string, number>> = { H: 3600, M: 60, S: 1, m: 1e-3, u: 1e-6, n: 1e-9 };

/**
 * Lets calls have deadlines beyond 24 days, which is what clients send that mean "none". grpc-js (1.14, `handleTimeoutHeader` in
 * server-interceptors.ts) takes them for 32-bit numbers of milliseconds, and ends such calls at once. There is no public way to
 * its HTTP/2 servers, whose headers are corrected here before it reads them.
 */
export function allowLongDeadlines(grpc: Server): void {
  const { http2Servers } = grpc as unknown as { readonly http2Servers?: ReadonlyMap<Http2Server, unknown> };
  for (const server of http2Servers?.keys() ?? []) {
    server.prependListener("stream", (_stream, headers: IncomingHttpHeaders) => {
      const timeout = headers[timeoutHeader];
      if (typeof timeout !== "string") return;
      const seconds = Number.parseInt(timeout, 10) * (secondsPer[timeout.slice(-1)] ?? 0);
      if (seconds > longestSeconds) headers[timeoutHeader] = `${longestSeconds}S`;
    });
  }
}
