import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { FrameWalker } from "./http2-frames.ts";
import { Pipe } from "./pipe.ts";

export type Direction = "requests" | "answers";

const BOTH: readonly Direction[] = ["requests", "answers"];
const CLIENT_PREFACE_BYTES = 24;

/** Starts a proxy in front of `endpoint` (`http://host:port`) that can break the connection in every way a network can. */
export async function startTcpProxy(endpoint: string): Promise<TcpProxy> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return new TcpProxy(server, new URL(endpoint));
}

interface Link {
  readonly client: Socket;
  readonly upstream: Socket;
  readonly pipes: Readonly<Record<Direction, Pipe>>;
}

export class TcpProxy {
  /** What to give the client under test. */
  readonly endpoint: string;
  /** How many calls and streams clients have begun through this proxy. */
  calls = 0;
  /** How many bytes have come in, of each direction. */
  readonly bytes: Record<Direction, number> = { requests: 0, answers: 0 };
  readonly #server: Server;
  #target: URL;
  readonly #links = new Set<Link>();
  readonly #held = new Set<Direction>();
  readonly #stranded = new Set<Link>();
  readonly #delayMs = { requests: 0, answers: 0 };
  #refusing = false;
  #loseAnswer: (() => void) | undefined;

  constructor(server: Server, target: URL) {
    this.#server = server;
    this.#target = target;
    this.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("connection", (client) => this.#connected(client));
  }

  get connections(): number {
    return this.#links.size;
  }

  /** Half-open: connections stay, new ones are accepted, and the bytes of these directions are kept back. */
  hold(...directions: readonly Direction[]): void {
    for (const each of directions.length === 0 ? BOTH : directions) this.#held.add(each);
    this.#apply();
  }

  /** The connections there are at the moment become half-open; new ones are let through. */
  strand(): void {
    for (const link of this.#links) this.#stranded.add(link);
    this.#apply();
  }

  /** Passes on what was kept back, in order, and everything after it. */
  release(): void {
    this.#held.clear();
    this.#stranded.clear();
    this.#apply();
  }

  /** Everything of this direction arrives so much later; 0 ends it. */
  delay(direction: Direction, ms: number): void {
    this.#delayMs[direction] = ms;
    this.#apply();
  }

  /** Resets all connections. New ones are let through. */
  cut(): void {
    for (const { client, upstream } of this.#links) {
      client.resetAndDestroy();
      upstream.destroy();
    }
  }

  /** Resets all connections, and every new one, until {@link accept}. */
  refuse(): void {
    this.#refusing = true;
    this.cut();
  }

  accept(): void {
    this.#refusing = false;
  }

  /** New connections go to another server behind the same address. */
  retarget(endpoint: string): void {
    this.#target = new URL(endpoint);
  }

  /** When the next answer begins to arrive, its connection is reset instead: the server has done it, nobody hears of it. */
  async loseNextAnswer(): Promise<void> {
    return new Promise((resolve) => {
      this.#loseAnswer = resolve;
    });
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #connected(client: Socket): void {
    if (this.#refusing) {
      client.on("error", () => {});
      client.resetAndDestroy();
      return;
    }
    const upstream = connect(Number(this.#target.port), this.#target.hostname);
    const link: Link = {
      client,
      upstream,
      pipes: { requests: new Pipe(upstream), answers: new Pipe(client) },
    };
    this.#links.add(link);
    this.#apply();
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      socket.on("error", () => {});
      socket.on("close", () => this.#unlink(link));
    }
    const requests = new FrameWalker(CLIENT_PREFACE_BYTES);
    const answers = new FrameWalker(0);
    client.on("data", (chunk: Buffer) => {
      this.bytes.requests += chunk.length;
      this.calls += requests.headersIn(chunk).length;
      link.pipes.requests.push(chunk);
    });
    upstream.on("data", (chunk: Buffer) => {
      this.bytes.answers += chunk.length;
      const answered = answers.headersIn(chunk).length > 0;
      if (answered && this.#loseAnswer !== undefined) {
        this.#loseAnswer();
        this.#loseAnswer = undefined;
        client.resetAndDestroy();
        return;
      }
      link.pipes.answers.push(chunk);
    });
  }

  #unlink(link: Link): void {
    this.#links.delete(link);
    this.#stranded.delete(link);
    link.client.destroy();
    link.upstream.destroy();
    for (const each of BOTH) link.pipes[each].close();
  }

  #apply(): void {
    for (const link of this.#links) {
      for (const each of BOTH) {
        const held = this.#held.has(each) || this.#stranded.has(link);
        link.pipes[each].set({ held, delayMs: this.#delayMs[each] });
      }
    }
  }
}
