import type { RangeResponse } from "@quorumkit/proto";
import { EtcdError, isEtcdError } from "../errors/etcd-error.ts";
import { keyId } from "../kv/bytes.ts";
import { ownBytes } from "../kv/own-bytes.ts";
import type { GetRequest } from "../kv/range.ts";
import { type CallOptions, timeoutOption } from "../transport/call-options.ts";
import * as rpcs from "../transport/rpcs.ts";
import { BatchCall } from "./batch-call.ts";
import { BatchQueue, type Slot } from "./batch-queue.ts";
import { type BatchConnection, concernsTheWay, MAX_BATCH_BYTES, toldOf } from "./batch-rules.ts";
import { Sending } from "./sending.ts";

interface ReadSlot extends Slot {
  readonly request: GetRequest;
  /** All who asked for the same. */
  readonly calls: BatchCall<RangeResponse>[];
}

/**
 * Sends concurrent reads of single keys as one read-only transaction. Each answer is what the call would have got alone:
 * a transaction is as linearizable as a range, and where one read makes it fail, each is sent by itself.
 */
export class ReadBatcher {
  readonly #connection: BatchConnection;
  readonly #linearizable: BatchQueue<ReadSlot>;
  readonly #serializable: BatchQueue<ReadSlot>;

  constructor(connection: BatchConnection, maxOperations: number) {
    this.#connection = connection;
    // A transaction is serializable only if all its reads are, so the two kinds do not mix.
    const queue = (): BatchQueue<ReadSlot> =>
      new BatchQueue({
        maxOperations,
        maxBytes: MAX_BATCH_BYTES,
        send: async (...batch) => this.#send(...batch),
      });
    this.#linearizable = queue();
    this.#serializable = queue();
  }

  get(request: GetRequest, options: CallOptions): Promise<RangeResponse> {
    return new Promise((resolve, reject) => {
      const timeoutMs = timeoutOption(options.timeoutMs, this.#connection.defaultTimeoutMs);
      const ownTimer = options.timeoutMs !== undefined;
      const call = new BatchCall(
        rpcs.range,
        { signal: options.signal, timeoutMs, ownTimer },
        { resolve, reject },
      );
      if (call.settled) return;
      const queue = request.serializable === true ? this.#serializable : this.#linearizable;
      const id = `${request.keysOnly === true ? "k" : "v"}${request.revision ?? ""} ${keyId(request.key)}`;
      const same = queue.waiting(id);
      if (same === undefined) queue.add({ id, size: request.key.length + 64, request, calls: [call] });
      else same.calls.push(call);
    });
  }

  async #send(filled: readonly ReadSlot[], queue: BatchQueue<ReadSlot>): Promise<void> {
    const batch = filled.filter(isWanted);
    const [only] = batch;
    if (only === undefined) return;
    if (batch.length === 1) return this.#sendAlone(only);
    const sending = new Sending(batch.flatMap(({ calls }) => calls));
    const rpc = only.request.serializable === true ? rpcs.serializableReads : rpcs.readOnlyTxn;
    try {
      const success = batch.map(({ request }) => ({ requestRange: request }));
      const { responses } = await this.#connection.unary(rpc, { success }, sending.options);
      await queue.handOut(batch, ({ calls }, index) => {
        const response = responses[index]?.responseRange;
        const answer = response && withOwnBytes(response);
        for (const call of calls) {
          if (answer) call.resolve(answer);
          else call.reject(new EtcdError("PROTOCOL", "a batch of reads got an answer that does not fit it"));
        }
      });
    } catch (error) {
      if (isEtcdError(error, "TOO_MANY_OPERATIONS")) queue.limitTo(Math.floor(batch.length / 2));
      if (concernsTheWay(error)) rejectAll(batch, toldOf(rpcs.range, error));
      else await Promise.all(batch.map((slot) => this.#sendAlone(slot)));
    }
  }

  async #sendAlone(slot: ReadSlot): Promise<void> {
    if (!isWanted(slot)) return;
    const { calls, request } = slot;
    const rpc = request.serializable === true ? rpcs.serializableRange : rpcs.range;
    const sending = new Sending(calls);
    try {
      const response = await this.#connection.unary(rpc, request, sending.options);
      for (const call of calls) call.resolve(response);
    } catch (error) {
      rejectAll([slot], error);
    }
  }
}

/** What a caller keeps of its answer must not keep its neighbours' answers. */
function withOwnBytes(response: RangeResponse): RangeResponse {
  const [kv] = response.kvs;
  if (kv === undefined) return response;
  const own = ownBytes(kv);
  return own === kv ? response : { ...response, kvs: [own] };
}

function isWanted({ calls }: ReadSlot): boolean {
  return calls.some((call) => !call.settled);
}

function rejectAll(batch: readonly ReadSlot[], error: unknown): void {
  for (const { calls } of batch) for (const call of calls) call.reject(error);
}
