import type { ServiceError } from "@grpc/grpc-js";
import {
  type Event,
  EventType,
  type LeaseTimeToLiveResponse,
  type RangeRequestInput,
  rpcs,
  type WatchCreateRequestInput,
} from "@quorumkit/proto";
import type { Side } from "../compare.ts";
import { type AnyUnaryMethod, Connection } from "../connection.ts";
import { clearGround, MARKER } from "../ground.ts";
import { normalise, type Plain } from "../normalise.ts";
import { type Place, resolve } from "../resolve.ts";
import type { UnaryCalls, WatchStep, WireStep } from "./steps.ts";
import { WatchStream } from "./watch-stream.ts";

const UNARY: { readonly [Name in keyof UnaryCalls]: UnaryCalls[Name] } = { ...rpcs.kv, ...rpcs.lease };

/** Longer than any sequence takes, and shorter than any lease in one. */
const SEQUENCE_SECONDS = 60n;

/** One of the two servers, with the state of the sequence that runs on it. */
export class WireSide implements Side<WireStep> {
  readonly #endpoint: string;
  readonly #connection: Connection;
  readonly #streams = new Map<number, WatchStream>();
  #autoLeases: bigint[] = [];
  #base = 0n;
  #compacted = 0n;

  constructor(endpoint: string) {
    this.#endpoint = endpoint;
    this.#connection = new Connection(endpoint);
  }

  get place(): Place {
    return { base: this.#base, now: this.#connection.revision, autoLeases: this.#autoLeases };
  }

  /** Makes an empty store without history. */
  async begin(steps: readonly WireStep[]): Promise<void> {
    const { base, compacted } = await clearGround(this.#connection);
    this.#base = base;
    this.#compacted = compacted;
    this.#autoLeases = [];
    const history = [
      { type: EventType.PUT, kv: markerAt(this.#compacted), prevKv: null },
      { type: EventType.DELETE, kv: markerAt(this.#base), prevKv: null },
    ];
    for (const name of new Set(steps.flatMap((step) => ("stream" in step ? step.stream : []))))
      this.#streams.set(name, new WatchStream(this.#connection.client, history));
    await Promise.all([...this.#streams.values()].map((stream) => stream.opened()));
  }

  /** Does one step, and gives what came of it in terms that two servers have in common. */
  async run(step: WireStep): Promise<Plain> {
    if ("call" in step) return await this.#call(step);
    if ("keepAlive" in step)
      return await this.#keepAlive(step.keepAlive.map((id) => resolve(id, this.place)));
    if ("rangeStream" in step) return await this.#rangeStream(step.rangeStream);
    if ("shortLease" in step) return await this.#shortLease(step.shortLease, step.ttl);
    if ("settle" in step) return await this.#settle();
    return await this.#watch(step);
  }

  end(): void {
    for (const stream of this.#streams.values()) stream.close();
    this.#streams.clear();
  }

  close(): void {
    this.end();
    this.#connection.close();
  }

  async #call({ call, request }: Extract<WireStep, { call: unknown }>): Promise<Plain> {
    // What a watch has not delivered yet may be lost to a compaction, in any etcd.
    const before = call === "compact" ? await this.#settle() : null;
    const wire = resolve<{ revision?: bigint; ID?: bigint }>(request, this.place);
    const answer = await this.#outcome(async () => {
      const response = await this.#connection.unary(UNARY[call] as unknown as AnyUnaryMethod, wire);
      if (call === "compact") this.#compacted = wire.revision ?? 0n;
      if (call === "leaseGrant" && (wire.ID ?? 0n) === 0n)
        this.#autoLeases.push((response as { ID: bigint }).ID);
      if (call !== "leaseTimeToLive") return response;
      return withoutRemainder(response as LeaseTimeToLiveResponse);
    });
    return before === null ? answer : { before, answer };
  }

  async #keepAlive(ids: readonly bigint[]): Promise<Plain> {
    const requests = ids.map((ID) => ({ ID }));
    return await this.#outcome(async () => ({
      answers: await this.#connection.bidi(rpcs.lease.leaseKeepAlive, requests),
    }));
  }

  /** In which pieces it comes is the server's choice. */
  async #rangeStream(sketch: Extract<WireStep, { rangeStream: unknown }>["rangeStream"]): Promise<Plain> {
    return await this.#outcome(async () => {
      const request = resolve<RangeRequestInput>(sketch, this.place);
      const pieces = await this.#connection.serverStream(rpcs.kv.rangeStream, request);
      const answers = pieces.map(({ rangeResponse }) => rangeResponse);
      return {
        header: answers.map((answer) => answer?.header).find((header) => header),
        kvs: answers.flatMap((answer) => answer?.kvs ?? []),
        count: answers.at(-1)?.count,
        more: answers.at(-1)?.more,
      };
    });
  }

  async #shortLease(ID: bigint, TTL: bigint): Promise<Plain> {
    const grant = await this.#outcome(() => this.#connection.unary(rpcs.lease.leaseGrant, { ID, TTL }));
    const revoke = await this.#outcome(() => this.#connection.unary(rpcs.lease.leaseRevoke, { ID }));
    return { grant, revoke };
  }

  async #watch(step: WatchStep): Promise<Plain> {
    const stream = this.#streams.get(step.stream);
    if (stream === undefined) throw new Error(`stream ${step.stream} is not open`);
    // An end or a question for progress comes when all is delivered: else the answer depends on the moment.
    const before = "create" in step ? null : await this.#settle();
    if ("create" in step) {
      stream.create(resolve<WatchCreateRequestInput>(step.create, this.place), this.#compacted);
    } else if ("cancel" in step) stream.send({ cancelRequest: { watchId: step.cancel } });
    else stream.send("progress" in step ? { progressRequest: {} } : {});
    const answered = (await stream.answered()) || this.#tooLate();
    return { before, answered };
  }

  async #settle(): Promise<Plain> {
    if (this.#streams.size === 0) return null;
    await this.#connection.unary(rpcs.kv.put, { key: MARKER });
    const revision = this.#connection.revision;
    const settle = async ([name, stream]: [number, WatchStream]): Promise<[string, Plain]> => {
      const settled = await stream.settled(revision);
      const { answers, events, faults, ended } = stream.take();
      const delivered = {
        answers: normalise(Object.fromEntries(answers), this.place),
        events: normalise(Object.fromEntries(events), this.place),
      };
      return [
        String(name),
        { settled: settled || this.#tooLate(), ended: ended ?? null, faults, ...delivered },
      ];
    };
    return Object.fromEntries(await Promise.all([...this.#streams].map(settle)));
  }

  /** Is never the same on two servers, so that it is found out where both are late. */
  #tooLate(): Plain {
    return `not by ${this.#endpoint}`;
  }

  async #outcome(work: () => Promise<object>): Promise<Plain> {
    try {
      return normalise(await work(), this.place);
    } catch (error) {
      const { code, details } = error as ServiceError;
      if (typeof code !== "number") throw error;
      return { code, details };
    }
  }
}

function markerAt(modRevision: bigint): Event["kv"] {
  return { key: MARKER, value: Buffer.alloc(0), createRevision: 0n, modRevision, version: 0n, lease: 0n };
}

/** The rest of a TTL depends on the moment, and etcd gives a lease's keys in no order. */
function withoutRemainder({ header, ID, TTL, grantedTTL, keys }: LeaseTimeToLiveResponse): object {
  const isFresh = TTL > 0n && TTL <= grantedTTL && TTL >= grantedTTL - SEQUENCE_SECONDS;
  return {
    header,
    ID,
    TTL: isFresh ? "fresh" : TTL,
    grantedTTL,
    keys: keys.toSorted((one, other) => Buffer.compare(one, other)),
  };
}
