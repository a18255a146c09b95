import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";

interface TestSrvRecord {
  readonly target: string;
  readonly port: number;
  readonly priority?: number;
  readonly weight?: number;
}

/** What is answered to a name: its records, one of the response codes of RFC 1035, or nothing at all. */
export type DnsAnswer = readonly TestSrvRecord[] | "refused" | "failed" | "silent";

const CODES = { failed: 2, absent: 3, refused: 5 } as const;
const [TYPE_SRV, CLASS_IN, HEADER_BYTES] = [33, 1, 12];

/** A name server that knows SRV records and nothing else. */
export class DnsServer implements AsyncDisposable {
  /** `ip:port` */
  readonly address: string;
  /** The names that were asked for, in order. */
  readonly asked: string[] = [];
  readonly #socket: Socket;
  readonly #zone: Readonly<Record<string, DnsAnswer>>;

  private constructor(socket: Socket, zone: Readonly<Record<string, DnsAnswer>>) {
    this.#socket = socket;
    this.#zone = zone;
    this.address = `127.0.0.1:${socket.address().port}`;
    socket.on("message", (query, { port, address }) => {
      const answer = this.#answer(query);
      if (answer !== undefined) socket.send(answer, port, address);
    });
  }

  static async start(zone: Readonly<Record<string, DnsAnswer>>): Promise<DnsServer> {
    const socket = createSocket("udp4").bind(0, "127.0.0.1");
    await once(socket, "listening");
    return new DnsServer(socket, zone);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#socket, "close");
    this.#socket.close();
    await closed;
  }

  #answer(query: Buffer): Buffer | undefined {
    const labels: string[] = [];
    let at = HEADER_BYTES;
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.toString("latin1", at + 1, at + 1 + length));
      at += 1 + length;
    }
    const question = query.subarray(HEADER_BYTES, at + 5);
    const name = labels.join(".").toLowerCase();
    this.asked.push(name);
    const found = this.#zone[name] ?? "absent";
    if (found === "silent") return undefined;
    const records = typeof found === "string" ? [] : found;
    const header = Buffer.alloc(HEADER_BYTES);
    query.copy(header, 0, 0, 2);
    header.writeUInt16BE(0x8180 | (typeof found === "string" ? CODES[found] : 0), 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(records.length, 6);
    return Buffer.concat([header, question, ...records.map(encode)]);
  }
}

function encode({ target, port, priority = 0, weight = 0 }: TestSrvRecord): Buffer {
  const labels = target.split(".").filter((each) => each !== "");
  const name = Buffer.concat([
    ...labels.map((each) => Buffer.from(`${String.fromCharCode(each.length)}${each}`)),
    Buffer.of(0),
  ]);
  const fixed = Buffer.alloc(18);
  // The owner's name is where the question has it.
  fixed.writeUInt16BE(0xc000 | HEADER_BYTES, 0);
  fixed.writeUInt16BE(TYPE_SRV, 2);
  fixed.writeUInt16BE(CLASS_IN, 4);
  fixed.writeUInt16BE(6 + name.length, 10);
  fixed.writeUInt16BE(priority, 12);
  fixed.writeUInt16BE(weight, 14);
  fixed.writeUInt16BE(port, 16);
  return Buffer.concat([fixed, name]);
}
