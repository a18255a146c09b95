import { setImmediate } from "node:timers/promises";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { services, type Services } from "@quorumkit/proto";
import { Connections } from "./connections.ts";
import { errors, type StatusError } from "./errors.ts";
import type { FaultBook } from "./faults/fault-book.ts";
import { Gate } from "./faults/gate.ts";
import type { OpenStream } from "./faults/open-stream.ts";
import { FrozenState } from "./frozen-state.ts";
import { allowLongDeadlines } from "./long-deadlines.ts";
import type { Peer, Quorum } from "./quorum.ts";
import type { AllWork } from "./services/all.ts";
import type { Host } from "./services/host.ts";
import { serve } from "./services/serve.ts";
import { withLimit } from "./services/too-large.ts";
import { wantsLeader } from "./services/wants-leader.ts";
import type { SharedState } from "./shared-state.ts";
import type { EmbeddedState, MemberView } from "./state.ts";

/** What a member is made of. */
export interface MemberServerOptions {
  readonly id: bigint;
  readonly name: string;
  readonly host: string;
  /** 0: the kernel chooses; it is kept from then on. */
  readonly port: number;
  readonly shared: SharedState;
  readonly quorum: Quorum;
  readonly faults: FaultBook;
  readonly work: AllWork;
  readonly maxRequestBytes: number;
}

/** What etcd allows beyond its largest request. Source: server/config/config.go, grpcOverheadBytes. */
const overheadBytes = 512 * 1024;
/** Streams that have nothing to say while their member has no leader, and catch up later. */
const followers = new Set(["/etcdserverpb.Watch/Watch", "/v3electionpb.Election/Observe"]);

/** One gRPC server over the state that all members share. */
export class MemberServer implements Host, Peer {
  readonly id: bigint;
  readonly name: string;
  readonly view: MemberView;
  readonly faults: FaultBook;
  readonly answers: Gate = new Gate();
  readonly streams: Set<OpenStream> = new Set();
  readonly #options: MemberServerOptions;
  readonly #connections = new Connections();
  /** What lets the streams go on that wait for a leader, or for {@link answerAgain}. */
  #withoutLeader: (() => void)[] = [];
  #withoutAnswers: (() => void)[] = [];
  #grpc: Server | undefined;
  #port: number;
  #running = false;
  #closed = false;
  /** Starts and stops, one after the other. */
  #turn: Promise<void> = Promise.resolve();
  #isolated = false;
  #frozen: FrozenState | undefined;
  #stopping = new AbortController();
  #streamCount = 0;

  constructor(options: MemberServerOptions) {
    this.#options = options;
    this.id = options.id;
    this.name = options.name;
    this.faults = options.faults;
    this.#port = options.port;
    this.view = viewOf(this);
  }

  get running(): boolean {
    return this.#running;
  }

  get isolated(): boolean {
    return this.#isolated;
  }

  get endpoint(): string {
    return `http://${urlHost(this.#options.host)}:${this.#port}`;
  }

  get hasLeader(): boolean {
    return this.#options.quorum.reaches(this);
  }

  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  get state(): EmbeddedState {
    return this.#frozen ?? this.#options.shared;
  }

  get liveState(): EmbeddedState {
    return this.#options.shared;
  }

  /**
   * Listens and serves; the first start chooses the port.
   * @throws Error after {@link close}.
   */
  async start(): Promise<void> {
    await this.#inTurn(() => this.#start());
  }

  /** Ends as a killed process does: every connection breaks, and what was only in its memory is forgotten. */
  async stop(): Promise<void> {
    await this.#inTurn(() => this.#stop());
  }

  /** Stops for good. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.stop();
  }

  async #inTurn(work: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.catch(() => undefined).then(work);
    await this.#turn;
  }

  async #start(): Promise<void> {
    if (this.#closed) throw new Error("the embedded etcd is closed");
    if (this.#running) return;
    const grpc = this.#createServer();
    this.#stopping = new AbortController();
    const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure());
    allowLongDeadlines(grpc);
    this.#port = await this.#connections.listen(this.#options.host, this.#port, (socket) => {
      injector.injectConnection(socket);
    });
    this.#grpc = grpc;
    this.#running = true;
    this.#options.quorum.update();
  }

  async #stop(): Promise<void> {
    if (!this.#running) return;
    this.#running = false;
    this.#stopping.abort(errors.stopped());
    for (const stream of this.streams) stream.abandon();
    const closed = this.#connections.close();
    this.#grpc?.forceShutdown();
    this.#grpc = undefined;
    this.answerAgain();
    this.#options.shared.auth.forgetTokens(this.id);
    this.#options.quorum.update();
    await closed;
    // Clients in this process hear of the end in its next turns: they know of it before anything goes on.
    for (let turn = 0; turn < 3; turn++) await setImmediate();
  }

  /** Takes the member out of reach of the others, or back. */
  isolate(isolated: boolean): void {
    this.#isolated = isolated;
    this.#options.quorum.update();
  }

  /** To be called after every change of the quorum. */
  followQuorum(): void {
    const hasLeader = this.hasLeader;
    if (this.#running && !hasLeader && this.#frozen === undefined) {
      this.#frozen = new FrozenState(this.#options.shared);
      for (const stream of this.streams) this.#endOrBlock(stream);
    }
    if (hasLeader && this.#frozen !== undefined) {
      this.#frozen = undefined;
      const releases = this.#withoutLeader;
      this.#withoutLeader = [];
      for (const release of releases) release();
    }
  }

  /** The store was set back for all, also for a member that is cut off. */
  forgetCut(): void {
    if (this.#frozen !== undefined) this.#frozen = new FrozenState(this.#options.shared);
  }

  stopAnswering(): void {
    if (!this.answers.isOpen) return;
    this.answers.shut();
    this.#connections.stopReading();
    for (const stream of this.streams) this.#withoutAnswers.push(stream.block());
  }

  answerAgain(): void {
    if (this.answers.isOpen) return;
    this.#connections.startReading();
    this.answers.open();
    const releases = this.#withoutAnswers;
    this.#withoutAnswers = [];
    for (const release of releases) release();
  }

  /** Breaks every connection; the server goes on. */
  cutConnections(): void {
    this.#connections.cut();
  }

  addStream(create: (id: number) => OpenStream): OpenStream {
    this.#streamCount += 1;
    const stream = create(this.#streamCount);
    this.streams.add(stream);
    stream.signal.addEventListener("abort", () => this.streams.delete(stream), { once: true });
    if (!this.answers.isOpen) this.#withoutAnswers.push(stream.block());
    if (!this.hasLeader && !wantsLeader(stream.metadata)) this.#endOrBlock(stream);
    return stream;
  }

  leader(signal: AbortSignal, late: () => StatusError): Promise<void> {
    return this.#options.quorum.wait(this, signal, late);
  }

  #endOrBlock(stream: OpenStream): void {
    if (wantsLeader(stream.metadata)) stream.end(errors.noLeader());
    else if (followers.has(stream.path)) this.#withoutLeader.push(stream.block());
  }

  #createServer(): Server {
    const { work, maxRequestBytes } = this.#options;
    const grpc = new Server({
      "grpc.max_receive_message_length": -1,
      "grpc.max_send_message_length": -1,
      "grpc.enable_channelz": 0,
    });
    for (const name of Object.keys(work) as (keyof Services)[]) {
      const service = withLimit(services[name], maxRequestBytes + overheadBytes);
      grpc.addService(service, serve(name, work[name], this));
    }
    return grpc;
  }
}

function viewOf(server: MemberServer): MemberView {
  return {
    id: server.id,
    name: server.name,
    get endpoint() {
      return server.endpoint;
    },
    get cutOff() {
      return !server.hasLeader;
    },
    get running() {
      return server.running;
    },
  };
}

/** How a host stands in a URL; where it means every address, the one on which clients of this machine come. */
function urlHost(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return host.includes(":") ? `[${host}]` : host;
}
