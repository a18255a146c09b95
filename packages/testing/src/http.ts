import { request } from "node:http";

/** A plain HTTP answer. */
export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

/** One HTTP call on a connection of its own, so that no pooled connection outlives a test. */
export function httpCall(
  url: string,
  options: { readonly method?: string; readonly json?: unknown; readonly timeoutMs: number },
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const call = request(
      url,
      { method: options.method ?? "GET", agent: false, signal: AbortSignal.timeout(options.timeoutMs) },
      (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (body += chunk));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
        response.on("error", reject);
      },
    );
    call.on("error", reject);
    call.end(options.json === undefined ? undefined : JSON.stringify(options.json));
  });
}
