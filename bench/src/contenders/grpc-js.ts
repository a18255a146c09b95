import { Client, type ClientDuplexStream, credentials, Metadata } from "@grpc/grpc-js";
import { fromJSON } from "@grpc/proto-loader";
import { descriptors } from "@quorumkit/proto";
import { type Contender, LEASE_TTL_S } from "../contender.ts";

interface Method {
  readonly path: string;
  readonly requestSerialize: (message: object) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => object;
}

/** @grpc/grpc-js with proto-loader's codecs as they come: what a program without an etcd client would do. */
export function connect(endpoint: string): Contender {
  const definitions = fromJSON(descriptors, { longs: String, defaults: true }) as unknown as Record<
    string,
    Record<string, Method>
  >;
  const method = (service: string, name: string): Method => {
    const found = definitions[`etcdserverpb.${service}`]?.[name];
    if (found === undefined) throw new Error(`no ${service}.${name}`);
    return found;
  };
  const client = new Client(new URL(endpoint).host, credentials.createInsecure(), {
    "grpc.max_receive_message_length": -1,
  });
  const call = async (service: string, name: string, request: object): Promise<object> => {
    const { path, requestSerialize, responseDeserialize } = method(service, name);
    return new Promise((resolve, reject) => {
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error, response) => {
        if (error === null && response !== undefined) resolve(response);
        else reject(error ?? new Error("no answer"));
      });
    });
  };
  const stream = (service: string, name: string): ClientDuplexStream<object, object> => {
    const { path, requestSerialize, responseDeserialize } = method(service, name);
    const opened = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, new Metadata());
    opened.on("error", () => {});
    return opened;
  };
  let watches: ClientDuplexStream<object, object> | undefined;
  const listeners: ((count: number) => void)[] = [];
  const standing: (() => void)[] = [];
  let renewals: ClientDuplexStream<object, object> | undefined;
  const timers: NodeJS.Timeout[] = [];
  return {
    get: async (key) => call("KV", "Range", { key: Buffer.from(key) }),
    put: async (key, value) => call("KV", "Put", { key: Buffer.from(key), value: Buffer.from(value) }),
    watch: async (prefix, startRevision, onEvents) => {
      // etcd numbers the watches of a stream in the order they are asked for.
      listeners.push(onEvents);
      const stands = new Promise<void>((resolve) => standing.push(resolve));
      if (watches === undefined) {
        watches = stream("Watch", "Watch");
        watches.on("data", (response: { watchId: string; created: boolean; events: unknown[] }) => {
          if (response.created) standing[Number(response.watchId)]?.();
          else listeners[Number(response.watchId)]?.(response.events.length);
        });
      }
      const rangeEnd = Buffer.from(prefix);
      rangeEnd[rangeEnd.length - 1] = (rangeEnd.at(-1) ?? 0) + 1;
      watches.write({
        createRequest: { key: Buffer.from(prefix), rangeEnd, startRevision: String(startRevision) },
      });
      return stands;
    },
    keepLease: async () => {
      const { ID } = (await call("Lease", "LeaseGrant", { TTL: String(LEASE_TTL_S) })) as { ID: string };
      renewals ??= stream("Lease", "LeaseKeepAlive").resume();
      const opened = renewals;
      timers.push(setInterval(() => opened.write({ ID }), (LEASE_TTL_S / 3) * 1000));
      return BigInt(ID);
    },
    close: async () => {
      for (const timer of timers) clearInterval(timer);
      watches?.cancel();
      renewals?.cancel();
      client.close();
      return Promise.resolve();
    },
  };
}
