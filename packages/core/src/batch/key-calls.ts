import type { PutResponse, RangeResponse } from "@quorumkit/proto";
import type { PutRequest } from "../kv/put.ts";
import type { GetRequest } from "../kv/range.ts";
import type { CallOptions } from "../transport/call-options.ts";
import * as rpcs from "../transport/rpcs.ts";
import type { BatchConnection } from "./batch-rules.ts";
import type { ResolvedCoalesceOptions } from "./coalesce-options.ts";
import { ReadBatcher } from "./read-batcher.ts";
import { WriteBatcher } from "./write-batcher.ts";

/** Reads and writes of single keys: together with others that are made at the same time, or each by itself. */
export class KeyCalls {
  readonly #connection: BatchConnection;
  readonly #reads: ReadBatcher | undefined;
  readonly #writes: WriteBatcher | undefined;
  readonly #answersLimited: boolean;

  /** `answersLimited`: whether an answer can be too large. */
  constructor(
    connection: BatchConnection,
    { reads, writes, maxOperations }: ResolvedCoalesceOptions,
    answersLimited = false,
  ) {
    this.#connection = connection;
    this.#answersLimited = answersLimited;
    this.#reads = reads ? new ReadBatcher(connection, maxOperations) : undefined;
    this.#writes = writes ? new WriteBatcher(connection, maxOperations) : undefined;
  }

  get(request: GetRequest, options: CallOptions): Promise<RangeResponse> {
    if (this.#reads !== undefined) return this.#reads.get(request, options);
    const rpc = request.serializable === true ? rpcs.serializableRange : rpcs.range;
    return this.#connection.unary(rpc, request, options);
  }

  put(request: PutRequest, options: CallOptions): Promise<PutResponse> {
    // Reads that are too large together are sent again one by one. Writes have been applied by then.
    const alone = this.#answersLimited && request.prevKv === true;
    if (this.#writes !== undefined && !alone) return this.#writes.put(request, options);
    return this.#connection.unary(rpcs.put, request, options);
  }
}
