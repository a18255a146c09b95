import type { Client, ClientDuplexStream, ServiceError } from "@grpc/grpc-js";
import {
  type Event,
  EventType,
  rpcs,
  type WatchCreateRequestInput,
  WatchFilterType,
  type WatchRequestInput,
  type WatchResponse,
} from "@quorumkit/proto";
import { MARKER } from "../ground.ts";

/** The watch of everything that each stream has: what it delivers is the log. */
const LOG_ID = 1_000_000n;
/** Shows that everything asked before it has been answered. */
const BARRIER_ID = 2_000_000n;
/** Begins in the past, after all others that do: when it is served they have been, too. */
const CANARY_ID = 3_000_000n;
const EVERYTHING: WatchCreateRequestInput = { key: Buffer.of(0), rangeEnd: Buffer.of(0), prevKv: true };
/** Far more than any answer takes; who needs it differs. */
const PATIENCE_MS = 10_000;

/** One watch as its client sees it. */
interface Watch {
  readonly id: bigint;
  readonly request: WatchCreateRequestInput;
  /** The first revision it must deliver. */
  readonly from: bigint;
  /** It was made for revisions that were gone: the server has to end it. */
  readonly doomed: boolean;
  lastRevision: bigint;
  /** The last answer was a fragment: the next one goes on with it. */
  isCut: boolean;
  count: number;
  canceled: boolean;
}

/** What was recorded of a stream since the last look. */
export interface Delivered {
  /** All answers that are no events, by watch: in which order it answers for several, etcd is free. */
  readonly answers: ReadonlyMap<bigint, readonly WatchResponse[]>;
  /** All events, by watch. */
  readonly events: ReadonlyMap<bigint, readonly Event[]>;
  /** What must never be, such as a revision in two answers. */
  readonly faults: readonly string[];
  readonly ended: string | undefined;
}

/** A watch stream which knows what its watches must have delivered, from the watch of everything beside them. */
export class WatchStream {
  readonly #call: ClientDuplexStream<WatchRequestInput, WatchResponse>;
  readonly #watches = new Map<bigint, Watch>();
  readonly #log: Event[] = [];
  readonly #pending: { readonly request: WatchCreateRequestInput; readonly compacted: bigint }[] = [];
  #answers = new Map<bigint, WatchResponse[]>();
  #faults: string[] = [];
  #events = new Map<bigint, Event[]>();
  #logRevision = 0n;
  /** Some watch began in the past, and it cannot be told yet whether it has caught up. */
  #catchingUp = false;
  #canaryServed = false;
  #barriers = 0;
  #barriersPassed = 0;
  #ended: string | undefined;
  #changed: () => void = () => {};

  constructor(client: Client, history: readonly Event[]) {
    const { path, requestSerialize, responseDeserialize } = rpcs.watch.watch;
    this.#log.push(...history);
    this.#call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    this.#call.on("data", (response: WatchResponse) => {
      this.#receive(response);
      this.#changed();
    });
    this.#call.on("error", (error: ServiceError) => {
      this.#ended = `${error.code} ${error.details}`;
      this.#changed();
    });
    this.#call.on("end", () => {
      this.#ended ??= "end";
      this.#changed();
    });
    this.#call.write({ createRequest: { ...EVERYTHING, watchId: LOG_ID } });
  }

  /** Resolves when the stream has answered its first request: from then on its log has everything. */
  async opened(): Promise<void> {
    await this.#until(() => this.#logRevision > 0n);
  }

  /** Asks for a watch, where `compacted` is the oldest revision that is left. */
  create(request: WatchCreateRequestInput, compacted: bigint): void {
    this.#pending.push({ request, compacted });
    this.send({ createRequest: request });
  }

  send(request: WatchRequestInput): void {
    this.#call.write(request);
  }

  /** Resolves when everything sent so far has been answered, as far as it is answered at all. */
  async answered(): Promise<boolean> {
    const barrier = ++this.#barriers;
    this.#call.write({ createRequest: { ...EVERYTHING, watchId: BARRIER_ID } });
    this.#call.write({ cancelRequest: { watchId: BARRIER_ID } });
    return await this.#until(() => this.#barriersPassed >= barrier);
  }

  /** Resolves when all watches have delivered what they must, up to a revision at which the marker was put. */
  async settled(revision: bigint): Promise<boolean> {
    if (this.#catchingUp) {
      this.#canaryServed = false;
      this.send({ createRequest: { key: MARKER, startRevision: revision, watchId: CANARY_ID } });
      if (!(await this.#until(() => this.#canaryServed))) return false;
      this.send({ cancelRequest: { watchId: CANARY_ID } });
      this.#catchingUp = false;
    }
    return await this.#until(
      () => this.#logRevision >= revision && [...this.#watches.values()].every((watch) => this.#isUp(watch)),
    );
  }

  /** What came since the last call. */
  take(): Delivered {
    const delivered = {
      answers: this.#answers,
      events: this.#events,
      faults: this.#faults,
      ended: this.#ended,
    };
    this.#answers = new Map();
    this.#events = new Map();
    this.#faults = [];
    return delivered;
  }

  close(): void {
    this.#call.cancel();
  }

  #receive(response: WatchResponse): void {
    const { watchId: id, events, header } = response;
    if (id === BARRIER_ID) {
      if (response.canceled) this.#barriersPassed += 1;
      return;
    }
    if (id === CANARY_ID) {
      if (events.length > 0) this.#canaryServed = true;
      return;
    }
    if (id === LOG_ID) {
      this.#logRevision = header?.revision ?? 0n;
      this.#log.push(...events);
      if (events.length > 0) this.#events.set(id, [...(this.#events.get(id) ?? []), ...events]);
      return;
    }
    if (events.length === 0) this.#answers.set(id, [...(this.#answers.get(id) ?? []), response]);
    if (response.created) this.#created(response);
    const watch = this.#watches.get(id);
    if (watch !== undefined && events.length > 0) this.#deliver(watch, response);
    else if (events.length > 0) this.#faults.push(`events for watch ${id}, which is not there`);
    if (watch !== undefined && response.canceled) watch.canceled = true;
  }

  #created({ header, watchId, canceled }: WatchResponse): void {
    const asked = this.#pending.shift();
    if (asked === undefined) this.#faults.push(`watch ${watchId} was created and not asked for`);
    if (asked === undefined || canceled) return;
    const { request, compacted } = asked;
    const start = request.startRevision ?? 0n;
    const from = start === 0n ? (header?.revision ?? 0n) + 1n : start;
    const doomed = from < compacted;
    if (from <= (header?.revision ?? 0n)) this.#catchingUp = true;
    this.#watches.set(watchId, {
      id: watchId,
      request,
      from,
      doomed,
      lastRevision: 0n,
      isCut: false,
      count: 0,
      canceled: false,
    });
  }

  #deliver(watch: Watch, { events, header, fragment }: WatchResponse): void {
    const first = events[0]?.kv?.modRevision ?? 0n;
    const last = events.at(-1)?.kv?.modRevision ?? 0n;
    const id = String(watch.id);
    const goesOn = watch.isCut && first === watch.lastRevision;
    if (first <= watch.lastRevision && !goesOn)
      this.#faults.push(`watch ${id} has a revision in two answers, or goes back`);
    if (fragment && watch.request.fragment !== true)
      this.#faults.push(`watch ${id} gets fragments and did not ask for them`);
    if ((header?.revision ?? 0n) < last) this.#faults.push(`watch ${id} has a header behind its events`);
    if (watch.canceled) this.#faults.push(`watch ${id} goes on after its end`);
    watch.isCut = fragment;
    watch.lastRevision = last;
    watch.count += events.length;
    this.#events.set(watch.id, [...(this.#events.get(watch.id) ?? []), ...events]);
  }

  #isUp(watch: Watch): boolean {
    if (watch.canceled) return true;
    if (watch.doomed) return false;
    return watch.count >= this.#log.filter((event) => isWanted(event, watch)).length;
  }

  async #until(condition: () => boolean): Promise<boolean> {
    return await new Promise((resolve) => {
      const done = (met: boolean): void => {
        clearTimeout(timer);
        this.#changed = () => {};
        resolve(met);
      };
      const timer = setTimeout(() => done(false), PATIENCE_MS);
      this.#changed = () => {
        if (condition()) done(true);
        else if (this.#ended !== undefined) done(false);
      };
      this.#changed();
    });
  }
}

/** Whether a watch has to deliver an event, by etcd's rules. */
function isWanted({ type, kv }: Event, { request, from }: Watch): boolean {
  if (kv === null || kv.modRevision < from) return false;
  const filter = type === EventType.PUT ? WatchFilterType.NOPUT : WatchFilterType.NODELETE;
  if (request.filters?.includes(filter) === true) return false;
  const key = Buffer.from(request.key ?? []);
  const end = Buffer.from(request.rangeEnd ?? []);
  if (end.length === 0) return kv.key.equals(key.length === 0 ? Buffer.of(0) : key);
  if (Buffer.compare(kv.key, key) < 0) return false;
  return end.equals(Buffer.of(0)) || Buffer.compare(kv.key, end) < 0;
}
