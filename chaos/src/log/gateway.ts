import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { createInterface } from "node:readline";
import type { LogEntry, LogEvent } from "./true-log.ts";

/** What a member says of itself. */
export interface GatewayStatus {
  readonly memberId: string;
  /** The member it follows, "0" for none. */
  readonly leader: string;
  readonly term: number;
}

interface WireKey {
  readonly key: string;
  readonly value?: string;
  readonly create_revision?: string;
  readonly mod_revision?: string;
  readonly version?: string;
  readonly lease?: string;
}

interface WireWatch {
  readonly result?: {
    readonly canceled?: boolean;
    readonly cancel_reason?: string;
    readonly events?: readonly { readonly type?: string; readonly kv: WireKey }[];
  };
  readonly error?: unknown;
}

/**
 * A member asked over etcd's own JSON gateway, past all fault proxies and without the client that is being tested: what
 * is found out here is the truth the workers are measured by.
 */
export class Gateway {
  readonly #endpoint: string;

  constructor(endpoint: string) {
    this.#endpoint = endpoint;
  }

  async status(timeoutMs: number): Promise<GatewayStatus> {
    const answer = (await this.#call("/v3/maintenance/status", {}, timeoutMs)) as {
      readonly header: { readonly member_id: string };
      readonly leader?: string;
      readonly raftTerm?: string;
    };
    const { header, leader = "0", raftTerm = "0" } = answer;
    return { memberId: header.member_id, leader, term: Number(raftTerm) };
  }

  /** The store's revision, as a majority has it. */
  async revision(timeoutMs: number): Promise<number> {
    const nothing = { key: toBase64("\0"), count_only: true };
    const answer = (await this.#call("/v3/kv/range", nothing, timeoutMs)) as {
      readonly header: { readonly revision: string };
    };
    return Number(answer.header.revision);
  }

  async put(key: string, value: string, timeoutMs: number): Promise<number> {
    const pair = { key: toBase64(key), value: toBase64(value) };
    const answer = (await this.#call("/v3/kv/put", pair, timeoutMs)) as {
      readonly header: { readonly revision: string };
    };
    return Number(answer.header.revision);
  }

  async compact(revision: number, timeoutMs: number): Promise<void> {
    await this.#call("/v3/kv/compaction", { revision: String(revision) }, timeoutMs);
  }

  /** Asked of the leader: makes another member lead. */
  async moveLeader(targetId: string, timeoutMs: number): Promise<void> {
    await this.#call("/v3/maintenance/transfer-leadership", { targetID: targetId }, timeoutMs);
  }

  /** Every revision from `from` on, of the whole store, until the connection ends. A revision always comes whole. */
  async *watch(from: number, signal: AbortSignal): AsyncGenerator<LogEntry, void> {
    const everything = { key: toBase64("\0"), range_end: toBase64("\0"), start_revision: String(from) };
    const response = await this.#post("/v3/watch", { create_request: everything }, signal);
    const lines = createInterface({ input: response, crlfDelay: Infinity });
    // An end of the connection is the end of the loop, whatever the reason.
    response.on("error", () => lines.close());
    for await (const line of lines) {
      const { result, error } = JSON.parse(line) as WireWatch;
      if (result === undefined || result.canceled === true)
        throw new Error(`the watch ended: ${JSON.stringify(result ?? error)}`);
      const seenAt = Number(process.hrtime.bigint());
      yield* entriesOf(result.events ?? [], seenAt);
    }
  }

  async #call(path: string, body: unknown, timeoutMs: number): Promise<unknown> {
    const response = await this.#post(path, body, AbortSignal.timeout(timeoutMs));
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString("utf8");
    if (response.statusCode !== 200)
      throw new Error(`${path} was answered with ${response.statusCode}: ${text}`);
    return JSON.parse(text);
  }

  async #post(path: string, body: unknown, signal: AbortSignal): Promise<IncomingMessage> {
    const headers = { "content-type": "application/json" };
    const call = request(this.#endpoint + path, { method: "POST", agent: false, headers, signal });
    // Also after the answer has begun; whoever reads it hears of it there.
    call.on("error", () => {});
    call.end(JSON.stringify(body));
    const [response] = (await once(call, "response")) as [IncomingMessage];
    return response;
  }
}

function* entriesOf(
  events: readonly { readonly type?: string; readonly kv: WireKey }[],
  seenAt: number,
): Generator<LogEntry, void> {
  let revision = 0;
  let same: LogEvent[] = [];
  for (const { type, kv } of events) {
    const modRevision = Number(kv.mod_revision);
    if (modRevision !== revision && same.length > 0) {
      yield { revision, events: same, seenAt };
      same = [];
    }
    revision = modRevision;
    same.push({
      type: type === "DELETE" ? "delete" : "put",
      key: fromBase64(kv.key),
      value: fromBase64(kv.value ?? ""),
      createRevision: Number(kv.create_revision ?? 0),
      version: Number(kv.version ?? 0),
      lease: kv.lease ?? "0",
    });
  }
  if (same.length > 0) yield { revision, events: same, seenAt };
}

function toBase64(text: string): string {
  return Buffer.from(text).toString("base64");
}

function fromBase64(text: string): string {
  return Buffer.from(text, "base64").toString("utf8");
}
