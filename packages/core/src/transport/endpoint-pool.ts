import { pause } from "../util/abort.ts";
import type { Balancing } from "./balancing.ts";
import type { ClientIdentity } from "./client-identity.ts";
import { ConnectionMonitor } from "./connection-monitor.ts";
import type { ConnectionEvent } from "./connection-state.ts";
import { EndpointUpkeep } from "./endpoint-upkeep.ts";
import type { EndpointUrl } from "./endpoint-url.ts";
import { Endpoint } from "./endpoint.ts";
import type { Topology } from "./topology.ts";

export interface PickOptions {
  /** The one to take, also while it is the only one that fails. */
  readonly only?: Endpoint | undefined;
  /** Taken only where there is no other. */
  readonly avoid?: Endpoint | undefined;
  /** They answered the call already, with too old a state. */
  readonly behind?: ReadonlySet<Endpoint> | undefined;
  /** For a stream, which lives long where a call is over soon. */
  readonly stream?: boolean | undefined;
  /** For the client's own upkeep: not a sign that the client is in use. */
  readonly background?: boolean | undefined;
}

export interface EndpointPoolOptions {
  /** @default "roundRobin" */
  readonly balancing?: Balancing | undefined;
  /** @default no limit */
  readonly maxResponseBytes?: number | undefined;
}

/** Picks the endpoint of the next call or stream: in turn, or the first one, leaving out those that failed lately. */
export class EndpointPool {
  readonly monitor: ConnectionMonitor = new ConnectionMonitor();
  /** The endpoints the user named; they are never given up. */
  readonly seeds: readonly Endpoint[];
  readonly #topology: Topology;
  readonly #identity: ClientIdentity | undefined;
  readonly #upkeep: EndpointUpkeep;
  readonly #waiting = new Set<AbortController>();
  readonly #onUse: () => void;
  readonly #balancing: Balancing;
  readonly #maxResponseBytes: number | undefined;
  #endpoints: readonly Endpoint[];
  /** Not on the list any more, but something may still run there. */
  #retired: readonly Endpoint[] = [];
  #next: number;

  /** `onUse` is called whenever an endpoint is wanted, so it has to be quick. */
  constructor(
    addresses: readonly EndpointUrl[],
    topology: Topology,
    onUse: () => void = () => {},
    identity?: ClientIdentity,
    { balancing = "roundRobin", maxResponseBytes }: EndpointPoolOptions = {},
  ) {
    this.#topology = topology;
    this.#balancing = balancing;
    this.#maxResponseBytes = maxResponseBytes;
    this.#identity = identity;
    this.#onUse = onUse;
    this.seeds = addresses.map((address) => this.make(address));
    this.#endpoints = this.seeds;
    this.#upkeep = new EndpointUpkeep(this);
    this.#listed();
    // Many clients with the same list must not all begin with its first member, unless they want to.
    this.#next = balancing === "pickFirst" ? 0 : Math.floor(Math.random() * this.seeds.length);
  }

  get endpoints(): readonly Endpoint[] {
    return this.#endpoints;
  }

  /** Whether anything runs or waits. */
  get busy(): boolean {
    return this.#waiting.size > 0 || this.#endpoints.some((each) => each.busy);
  }

  /** An endpoint that is not on the list yet. */
  make(address: EndpointUrl): Endpoint {
    return new Endpoint(
      address,
      this.#topology,
      (event) => this.#happened(event),
      this.#identity,
      this.#maxResponseBytes,
    );
  }

  /** Uses these members from now on. What the user named beside them is kept for when none of them works. */
  adopt(members: readonly Endpoint[]): void {
    const others = members.filter((each) => !this.seeds.includes(each));
    for (const seed of this.seeds) seed.fallback = members.length > 0 && !members.includes(seed);
    const gone = [...this.#retired, ...this.#endpoints.filter((each) => !this.seeds.includes(each))];
    this.#endpoints = [...this.seeds, ...others];
    this.#retired = gone.filter((each) => !others.includes(each) && each.busy);
    for (const each of gone) if (!others.includes(each) && !each.busy) each.close();
    this.#listed();
  }

  /** The endpoint to use now, or the time in ms until the first one may be tried again. */
  pick(options: PickOptions = {}): Endpoint | number {
    const { only, background = false } = options;
    if (!background) {
      this.#upkeep.wake();
      this.#onUse();
    }
    const now = performance.now();
    if (only !== undefined) {
      // A learner answers what is asked about itself.
      if (only.retryAt > now && !only.learner) return only.retryAt - now;
      only.claim();
      return only;
    }
    const endpoints = this.#endpoints;
    const { length } = endpoints;
    let best: Endpoint | undefined;
    let bestIndex = 0;
    let leastDoubt = Infinity;
    for (let step = 0; step < length; step += 1) {
      const index = (this.#next + step) % length;
      const endpoint = endpoints[index] as Endpoint;
      if (endpoint.retryAt > now) continue;
      const doubt = doubtOf(endpoint, options);
      if (doubt >= leastDoubt) continue;
      best = endpoint;
      bestIndex = index;
      leastDoubt = doubt;
      if (doubt === 0) break;
    }
    if (best !== undefined && this.#balancing === "roundRobin") this.#next = bestIndex + 1;
    best?.claim();
    return best ?? Math.max(1, this.soonest().retryAt - now);
  }

  /** The endpoint whose time aside ends first. */
  soonest(): Endpoint {
    return this.#endpoints.reduce((best, each) => (each.retryAt < best.retryAt ? each : best));
  }

  /** As {@link pick}, but waits for an endpoint to come back. Undefined when one of the signals aborts first. */
  async acquire(
    signals: readonly AbortSignal[],
    { only, avoid }: Pick<PickOptions, "only" | "avoid"> = {},
  ): Promise<Endpoint | undefined> {
    for (;;) {
      if (signals.some(({ aborted }) => aborted)) return undefined;
      const picked = this.pick({ only, avoid, stream: true });
      if (typeof picked !== "number") return picked;
      await this.wait(picked, ...signals);
    }
  }

  /** Waits `ms`, or until an endpoint works again, or a signal aborts. */
  async wait(ms: number, ...signals: readonly (AbortSignal | undefined)[]): Promise<void> {
    const woken = new AbortController();
    this.#waiting.add(woken);
    await pause(ms, woken.signal, ...signals);
    this.#waiting.delete(woken);
  }

  /** Why nothing answers, endpoint by endpoint, for error messages. */
  describeFailures(): string {
    return this.endpoints.map(({ url, lastError }) => `${url}: ${lastError ?? "not tried"}`).join("; ");
  }

  /** Ends all calls and streams under way. */
  cancelAll(): void {
    for (const each of [...this.#endpoints, ...this.#retired]) each.cancelAll();
  }

  close(): void {
    this.#upkeep.close();
    for (const each of [...this.#endpoints, ...this.#retired]) each.close();
    this.monitor.note({ type: "closed" });
  }

  #listed(): void {
    this.monitor.note({ type: "listed", urls: this.#endpoints.map(({ url }) => url) });
    // It may have answered before it came onto the list.
    for (const { url, works } of this.#endpoints) if (works) this.monitor.note({ type: "answered", url });
  }

  #happened(event: ConnectionEvent): void {
    this.monitor.note(event);
    if (event.type === "answered") for (const each of this.#waiting) each.abort();
    if (event.type === "failed") this.#upkeep.plan();
  }
}

/**
 * 0 for an endpoint to take without another look. One that fails is the last resort: whether it works again is for trials.
 * A stream that just failed somewhere knows better: there it was not heard, whatever the endpoint's standing says yet.
 */
function doubtOf(endpoint: Endpoint, { avoid, behind, stream = false }: PickOptions): number {
  // One that works again, as far as is known, may be further.
  if (behind?.has(endpoint) === true) return 12;
  const failing = endpoint.failing ? (endpoint.vouched ? 8 : 16) : 0;
  return failing + (endpoint === avoid ? (stream ? 32 : 4) : 0) + (endpoint.fallback ? 1 : 0);
}
