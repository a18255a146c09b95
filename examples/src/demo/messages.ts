/** What the demo's processes tell the main one, and what it asks of them. */
export type Report =
  | { readonly is: "ready"; readonly address: string }
  | { readonly is: "registration"; readonly state: string }
  | { readonly is: "elected"; readonly token: string }
  | { readonly is: "leadership over"; readonly why: string }
  | { readonly is: "config"; readonly limit: number; readonly revision: string }
  | { readonly is: "instances"; readonly names: readonly string[] }
  | { readonly is: "resolver"; readonly state: string }
  | { readonly is: "traffic"; readonly traffic: Traffic }
  | { readonly is: "left" };

export type Request = { readonly please: "drain" | "count calls" | "stop" };

/** The client's calls since it was last asked. */
export interface Traffic {
  readonly calls: number;
  /** Calls that got no answer from any instance. */
  readonly failedCalls: number;
  /** Tries that failed, most of them made good by a second one on another instance. */
  readonly failedTries: number;
  /** Answers by instance. */
  readonly byInstance: Readonly<Record<string, number>>;
}

export function report(message: Report): void {
  process.send?.(message);
}
