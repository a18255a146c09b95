import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** A TCP server that keeps what it is sent, or echoes it. */
export class TestServer implements AsyncDisposable {
  readonly sockets: TestSocket[] = [];
  readonly #server = createServer({ allowHalfOpen: true, noDelay: true });

  static async start(options: { readonly echo?: boolean } = {}): Promise<TestServer> {
    const started = new TestServer();
    started.#server.on("connection", (socket) => {
      started.sockets.push(new TestSocket(socket));
      if (options.echo === true) socket.on("data", (chunk) => socket.write(chunk));
    });
    started.#server.listen(0, "127.0.0.1");
    await once(started.#server, "listening");
    return started;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The connection that came as the n-th. */
  async connection(index: number): Promise<TestSocket> {
    while (this.sockets[index] === undefined) await once(this.#server, "connection");
    return this.sockets[index];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { socket } of this.sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}

/** One side of a connection, with all that has happened on it. */
export class TestSocket {
  readonly socket: Socket;
  text = "";
  ended = false;
  closed = false;
  error: string | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => (this.text += chunk.toString("latin1")));
    socket.on("end", () => (this.ended = true));
    socket.on("error", (error: NodeJS.ErrnoException) => (this.error = error.code));
    socket.on("close", () => (this.closed = true));
  }
}

export async function dial(endpoint: string): Promise<TestSocket> {
  const { port, hostname } = new URL(endpoint);
  const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true, noDelay: true });
  const dialled = new TestSocket(socket);
  await once(socket, "connect");
  return dialled;
}

/** How a connection that is not let through ends; it can be while it is made, or right after. */
export async function refusal(endpoint: string): Promise<string | undefined> {
  const { port, hostname } = new URL(endpoint);
  const refused = new TestSocket(connect({ port: Number(port), host: hostname }));
  // Not by once(): that would reject with the error.
  await new Promise((resolve) => refused.socket.on("close", resolve));
  return refused.error;
}
