import { Client, Metadata, Server, ServerCredentials, credentials } from "@grpc/grpc-js";
import type { ClientDuplexStream, ServerDuplexStream } from "@grpc/grpc-js";
import { rpcs, services } from "@quorumkit/proto";
import type {
  LeaseKeepAliveRequest,
  LeaseKeepAliveResponseInput,
  WatchRequest,
  WatchRequestInput,
  WatchResponse,
  WatchResponseInput,
} from "@quorumkit/proto";
import { onTestFinished } from "vitest";
import { VirtualClock } from "../../src/embedded/clock.ts";
import { LeaseBook } from "../../src/embedded/lease/lease-book.ts";
import { MvccStore } from "../../src/embedded/mvcc/store.ts";
import type { CallContext } from "../../src/embedded/services/context.ts";
import { leaseHandlers } from "../../src/embedded/services/lease.ts";
import { watchHandlers, type WatchServiceOptions } from "../../src/embedded/services/watch.ts";
import type { EmbeddedState, MemberView } from "../../src/embedded/state.ts";

type WatchCall = ServerDuplexStream<WatchRequest, WatchResponseInput>;
type KeepAliveCall = ServerDuplexStream<LeaseKeepAliveRequest, LeaseKeepAliveResponseInput>;

const nothing = Buffer.alloc(0);

/** The watch and lease services over a store, without the rest of a member. */
export class StreamServer {
  readonly store: MvccStore = new MvccStore();
  readonly clock: VirtualClock = new VirtualClock();
  readonly leases: LeaseBook = new LeaseBook({ store: this.store, clock: this.clock });
  readonly member: { -readonly [name in keyof MemberView]: MemberView[name] } = {
    id: 1n,
    name: "etcd0",
    endpoint: "",
    cutOff: false,
    running: true,
  };
  /** Throws when the client may not read or write. */
  mayUse: () => void = () => undefined;
  /** What has been read of keep-alive streams. */
  readonly keepAlives: { requests: number; ends: number } = { requests: 0, ends: 0 };
  readonly #server = new Server();
  #client: Client | undefined;

  static async start(options?: WatchServiceOptions): Promise<StreamServer> {
    const server = new StreamServer();
    await server.#listen(options);
    onTestFinished(() => {
      server.#client?.close();
      server.#server.forceShutdown();
      server.clock.close();
    });
    return server;
  }

  get client(): Client {
    // A batch for a watch that is behind has no limit in bytes, as with etcd.
    this.#client ??= new Client(this.member.endpoint, credentials.createInsecure(), {
      "grpc.max_receive_message_length": -1,
    });
    return this.#client;
  }

  watch(): WatchClient {
    return new WatchClient(this.client);
  }

  put(key: string, value = "v", lease = 0n): bigint {
    return this.write({ [key]: value }, [], lease);
  }

  /** Puts and deletes in one revision. */
  write(puts: Readonly<Record<string, string>>, deletes: readonly string[] = [], lease = 0n): bigint {
    this.store.write((tx) => {
      for (const [key, value] of Object.entries(puts)) tx.put(Buffer.from(key), Buffer.from(value), lease);
      for (const key of deletes) tx.delete({ key: Buffer.from(key), rangeEnd: nothing });
    });
    return this.store.revision;
  }

  async #listen(options?: WatchServiceOptions): Promise<void> {
    this.#server.addService(services.watch, {
      watch: (call: WatchCall) => void watchHandlers(options).watch?.(call, this.#context(call)),
    });
    this.#server.addService(services.lease, {
      leaseKeepAlive: (call: KeepAliveCall) => {
        call.on("data", () => void this.keepAlives.requests++);
        call.on("end", () => void this.keepAlives.ends++);
        void leaseHandlers().leaseKeepAlive?.(call, this.#context(call));
      },
    });
    const port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
        if (error) reject(error);
        else resolve(bound);
      });
    });
    this.member.endpoint = `127.0.0.1:${String(port)}`;
  }

  #context(call: { on(event: "cancelled", listener: () => void): unknown; metadata: Metadata }): CallContext {
    const over = new AbortController();
    call.on("cancelled", () => over.abort());
    const access = { read: () => this.mayUse(), writeEach: () => this.mayUse() };
    const auth = { identify: () => undefined, access: () => access, requireUser: () => this.mayUse() };
    const { store, clock, leases } = this;
    const state = {
      store,
      clock,
      leases,
      auth,
      header: (member: MemberView, revision = store.revision) => ({ memberId: member.id, revision }),
    } as unknown as EmbeddedState;
    return { state, member: this.member, metadata: call.metadata, signal: over.signal, access: undefined };
  }
}

/** One watch stream from the client's end. */
export class WatchClient {
  readonly call: ClientDuplexStream<WatchRequestInput, WatchResponse>;
  readonly #answers: WatchResponse[] = [];
  readonly #waiting: ((answer: WatchResponse) => void)[] = [];

  constructor(client: Client) {
    const { path, requestSerialize, responseDeserialize } = rpcs.watch.watch;
    this.call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, new Metadata());
    this.call.on("data", (answer: WatchResponse) => {
      const waiting = this.#waiting.shift();
      if (waiting) waiting(answer);
      else this.#answers.push(answer);
    });
    this.call.on("error", () => undefined);
  }

  create(key: string, request: Omit<NonNullable<WatchRequestInput["createRequest"]>, "key"> = {}): void {
    this.call.write({ createRequest: { key: Buffer.from(key), ...request } });
  }

  cancel(watchId: bigint): void {
    this.call.write({ cancelRequest: { watchId } });
  }

  askProgress(): void {
    this.call.write({ progressRequest: {} });
  }

  next(): Promise<WatchResponse> {
    const answer = this.#answers.shift();
    return answer ? Promise.resolve(answer) : new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Everything until a request that follows it all is answered: what else was on its way has arrived. */
  async rest(): Promise<WatchResponse[]> {
    this.create("rest", { rangeEnd: Buffer.from("a") });
    const rest: WatchResponse[] = [];
    for (;;) {
      const answer = await this.next();
      if (answer.cancelReason === "mvcc: watcher range is empty") return rest;
      rest.push(answer);
    }
  }
}

/** An answer in a form that reads well in a test: what is not set is left out. */
function brief(answer: WatchResponse): Record<string, unknown> {
  const events = answer.events.map(
    ({ type, kv, prevKv }) =>
      `${type === 0 ? "put" : "del"} ${String(kv?.key)}@${String(kv?.modRevision)}` +
      `${type === 0 ? `=${String(kv?.value)}` : ""}${prevKv ? ` (was ${String(prevKv.value)}@${String(prevKv.modRevision)})` : ""}`,
  );
  return {
    revision: Number(answer.header?.revision),
    id: Number(answer.watchId),
    ...(answer.created && { created: true }),
    ...(answer.canceled && { canceled: true }),
    ...(answer.cancelReason !== "" && { reason: answer.cancelReason }),
    ...(answer.compactRevision !== 0n && { compacted: Number(answer.compactRevision) }),
    ...(answer.fragment && { fragment: true }),
    ...(events.length > 0 && { events }),
  };
}

/** The next answer, in brief. */
export async function nextBrief(stream: WatchClient): Promise<Record<string, unknown>> {
  return brief(await stream.next());
}

/** What is still to come, in brief. */
export async function restBrief(stream: WatchClient): Promise<Record<string, unknown>[]> {
  return (await stream.rest()).map(brief);
}
