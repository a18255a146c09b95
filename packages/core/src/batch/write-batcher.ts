import type { PutResponse } from "@quorumkit/proto";
import { EtcdError, isEtcdError } from "../errors/etcd-error.ts";
import { keyId } from "../kv/bytes.ts";
import { ownBytes } from "../kv/own-bytes.ts";
import type { PutRequest } from "../kv/put.ts";
import { type CallOptions, timeoutOption } from "../transport/call-options.ts";
import * as rpcs from "../transport/rpcs.ts";
import { BatchCall } from "./batch-call.ts";
import { BatchQueue, type Slot } from "./batch-queue.ts";
import { type BatchConnection, concernsTheWay, MAX_BATCH_BYTES, toldOf } from "./batch-rules.ts";
import { Sending } from "./sending.ts";

interface WriteSlot extends Slot {
  readonly request: PutRequest;
  readonly call: BatchCall<PutResponse>;
}

/**
 * Sends concurrent puts as one transaction, so that they share a revision. Two puts to one key never stand in one batch.
 * Where the server refuses the batch, nothing of it was applied, and each put is sent by itself.
 */
export class WriteBatcher {
  readonly #connection: BatchConnection;
  readonly #queue: BatchQueue<WriteSlot>;

  constructor(connection: BatchConnection, maxOperations: number) {
    this.#connection = connection;
    this.#queue = new BatchQueue({
      maxOperations,
      maxBytes: MAX_BATCH_BYTES,
      send: async (batch) => this.#send(batch.filter(({ call }) => !call.settled)),
    });
  }

  put(request: PutRequest, options: CallOptions): Promise<PutResponse> {
    return new Promise((resolve, reject) => {
      const timeoutMs = timeoutOption(options.timeoutMs, this.#connection.defaultTimeoutMs);
      const ownTimer = options.timeoutMs !== undefined;
      const call = new BatchCall(
        rpcs.put,
        { signal: options.signal, timeoutMs, ownTimer },
        { resolve, reject },
      );
      const { key, value } = request;
      const id = keyId(key);
      if (!call.settled) this.#queue.add({ id, size: key.length + value.length + 64, request, call });
    });
  }

  async #send(batch: readonly WriteSlot[]): Promise<void> {
    const [only] = batch;
    if (only === undefined) return;
    if (batch.length === 1) return this.#sendAlone(only);
    const sending = new Sending(batch.map(({ call }) => call));
    try {
      const success = batch.map(({ request }) => ({ requestPut: request }));
      const { responses, header } = await this.#connection.unary(rpcs.txn, { success }, sending.options);
      await this.#queue.handOut(batch, ({ call }, index) => {
        const response = responses[index]?.responsePut;
        if (response) {
          const { prevKv } = response;
          // The parts' own headers lack what the transaction's has.
          call.resolve({ header, prevKv: prevKv && ownBytes(prevKv) });
        } else {
          const message = "a batch of puts got an answer that does not fit it";
          call.reject(new EtcdError("PROTOCOL", message, { outcome: "unknown" }));
        }
      });
    } catch (error) {
      if (isEtcdError(error, "TOO_MANY_OPERATIONS")) this.#queue.limitTo(Math.floor(batch.length / 2));
      const refused = error instanceof EtcdError && error.outcome === "notApplied" && !concernsTheWay(error);
      if (refused) await Promise.all(batch.map((slot) => this.#sendAlone(slot)));
      else rejectAll(batch, toldOf(rpcs.put, error));
    }
  }

  async #sendAlone({ call, request }: WriteSlot): Promise<void> {
    if (call.settled) return;
    const sending = new Sending([call]);
    try {
      call.resolve(await this.#connection.unary(rpcs.put, request, sending.options));
    } catch (error) {
      call.reject(error);
    }
  }
}

function rejectAll(batch: readonly WriteSlot[], error: unknown): void {
  for (const { call } of batch) call.reject(error);
}
