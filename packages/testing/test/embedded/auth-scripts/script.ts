import { Client, Metadata, credentials, status } from "@grpc/grpc-js";
import type { ClientReadableStream, ServiceError } from "@grpc/grpc-js";
import { rpcs } from "@quorumkit/proto";
import type { RpcMethod, Rpcs } from "@quorumkit/proto";

type InputOf<Method> = Method extends RpcMethod<infer Input, infer _> ? Input : never;

/** One call: by the name of a user who has logged in before, by a token of any text, or by nobody. */
export interface Step {
  readonly service: keyof Rpcs;
  readonly method: string;
  readonly request: unknown;
  readonly as?: string;
  readonly token?: string;
  /** Metadata in place of a token. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** A call by `as`. */
export function step<Service extends keyof Rpcs, Method extends keyof Rpcs[Service] & string>(
  service: Service,
  method: Method,
  request: InputOf<Rpcs[Service][Method]>,
  as?: string,
): Step {
  return { service, method, request, ...(as === undefined ? {} : { as }) };
}

/** What a step led to, with nothing in it that differs from server to server. */
export type Outcome = { readonly ok: unknown } | { readonly code: string; readonly details: string };

/** Does steps against one server, one after the other. */
export class Script {
  readonly #client: Client;
  readonly tokens: Map<string, string> = new Map();

  constructor(endpoint: string) {
    this.#client = new Client(new URL(endpoint).host, credentials.createInsecure());
  }

  close(): void {
    this.#client.close();
  }

  async run(steps: readonly Step[]): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const next of steps) outcomes.push(await this.do(next));
    return outcomes;
  }

  async do(next: Step): Promise<Outcome> {
    try {
      const answer = await this.#call(next);
      if (next.service === "auth" && next.method === "authenticate") {
        this.tokens.set((next.request as { name: string }).name, (answer as { token: string }).token);
      }
      return { ok: OWN_ANSWERS.has(next.service) ? "its own" : plain(answer) };
    } catch (error) {
      const { code, details } = error as ServiceError;
      if (code === undefined) throw error;
      return { code: status[code], details };
    }
  }

  #call({ service, method, request, as, token, metadata: given }: Step): Promise<unknown> {
    const rpc = (rpcs[service] as unknown as Record<string, RpcMethod<unknown, unknown>>)[method];
    if (rpc === undefined) throw new Error(`no ${service}.${method}`);
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(given ?? {})) metadata.set(name, value);
    const text = token ?? (as === undefined ? undefined : this.tokens.get(as));
    if (text !== undefined) metadata.set("token", text);
    const options = { deadline: Date.now() + 10_000 };
    const { path, requestSerialize: write, responseDeserialize: read } = rpc;
    if (!rpc.requestStream && !rpc.responseStream) {
      return new Promise((resolve, reject) => {
        this.#client.makeUnaryRequest(path, write, read, request, metadata, options, (error, value) => {
          if (error === null) resolve(value);
          else reject(error);
        });
      });
    }
    return new Promise((resolve, reject) => {
      const listen = (call: ClientReadableStream<unknown>): void => {
        call.once("data", (answer: unknown) => {
          resolve(answer);
          call.cancel();
        });
        call.on("error", reject);
        call.once("end", () => resolve("ended"));
      };
      if (rpc.requestStream) {
        const call = this.#client.makeBidiStreamRequest(path, write, read, metadata, options);
        listen(call);
        call.write(request);
      } else listen(this.#client.makeServerStreamRequest(path, write, read, request, metadata, options));
    });
  }
}

/** What these answer is about the one server. */
const OWN_ANSWERS = new Set<keyof Rpcs>(["maintenance", "cluster"]);
const LEFT_OUT = new Set(["header", "token"]);

/** Everything in words, without what every server has for itself; of the time a lease has left, whether it has any. */
function plain(value: unknown, name?: string): unknown {
  if (typeof value === "bigint") return name === "TTL" && value > 0n ? "some" : String(value);
  if (Buffer.isBuffer(value)) return value.toString();
  if (Array.isArray(value)) return value.map((item) => plain(item));
  if (typeof value !== "object" || value === null) return value;
  const fields: Record<string, unknown> = {};
  // With those that were not on the wire, which a message inherits.
  for (const field in value) {
    const content = (value as Record<string, unknown>)[field];
    const isOurs = !LEFT_OUT.has(field) && !field.startsWith("$") && typeof content !== "function";
    if (isOurs) fields[field] = plain(content, field);
  }
  return fields;
}
