import { isEtcdError } from "@quorumkit/core";

/** How a call ended, as a word: `ok`, `unknown` where it may have had effect, else its error's code. */
export async function answerOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "ok";
  } catch (error) {
    if (!isEtcdError(error)) throw error;
    return error.outcome === "unknown" ? "unknown" : error.code;
  }
}
