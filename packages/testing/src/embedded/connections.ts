import { once } from "node:events";
import { createServer, type AddressInfo, type Server as TcpServer, type Socket } from "node:net";

/** The part of a socket that says whether its bytes are taken from the kernel; Node has no public way to it once HTTP/2 reads. */
interface ReadingHandle {
  readStart(): number;
  readStop(): number;
}

/**
 * The TCP side of a member: the listening socket and every connection. It can stop reading while all of them stay open, so
 * that not even a ping is answered, which is what a client meets when a machine hangs or a cable is cut.
 */
export class Connections {
  readonly #sockets = new Set<Socket>();
  /** Accepted while nothing is read. */
  readonly #waiting = new Set<Socket>();
  #server: TcpServer | undefined;
  #serve: (socket: Socket) => void = () => undefined;
  #isReading = true;

  /** Listens, and hands every connection to `serve`. @returns the port. */
  async listen(host: string, port: number, serve: (socket: Socket) => void): Promise<number> {
    const server = createServer({ noDelay: true }, (socket) => {
      this.#accept(socket);
    });
    this.#serve = serve;
    server.listen({ host, port });
    await once(server, "listening");
    this.#server = server;
    return (server.address() as AddressInfo).port;
  }

  get isReading(): boolean {
    return this.#isReading;
  }

  /** Takes no more bytes from any connection; new ones are still accepted, by the kernel's word. */
  stopReading(): void {
    this.#isReading = false;
    for (const socket of this.#sockets) if (!this.#waiting.has(socket)) handleOf(socket)?.readStop();
  }

  startReading(): void {
    this.#isReading = true;
    for (const socket of this.#sockets) {
      if (this.#waiting.delete(socket)) this.#serve(socket);
      else handleOf(socket)?.readStart();
    }
  }

  /** Cuts every connection, as the end of a process does. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Listens no more, and cuts every connection. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    const closed = server === undefined ? undefined : once(server, "close");
    server?.close();
    this.cut();
    await closed;
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    // A connection that breaks is the client's to notice.
    socket.on("error", () => undefined);
    socket.once("close", () => {
      this.#sockets.delete(socket);
      this.#waiting.delete(socket);
    });
    if (this.#isReading) this.#serve(socket);
    else this.#waiting.add(socket);
  }
}

function handleOf(socket: Socket): ReadingHandle | undefined {
  return (socket as unknown as { readonly _handle?: ReadingHandle | null })._handle ?? undefined;
}
