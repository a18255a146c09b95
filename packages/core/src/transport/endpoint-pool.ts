import { pause } from "../util/abort.ts";
import type { EndpointUrl } from "./endpoint-url.ts";
import { Endpoint } from "./endpoint.ts";

export interface PickOptions {
  /** The one to take, also while it is the only one that fails. */
  readonly only?: Endpoint | undefined;
  /** Taken only where there is no other. */
  readonly avoid?: Endpoint | undefined;
  /** Not to be the one that finds out whether a suspect endpoint works again, where there is a sound one. */
  readonly cautious?: boolean;
}

/** Picks the endpoint of the next call or stream: in turn, leaving out those that failed lately. */
export class EndpointPool {
  readonly endpoints: readonly Endpoint[];
  readonly #waiting = new Set<AbortController>();
  #next: number;

  constructor(addresses: readonly EndpointUrl[]) {
    this.endpoints = addresses.map((address) => new Endpoint(address, () => this.#wake()));
    // Many clients with the same list must not all begin with its first member.
    this.#next = Math.floor(Math.random() * this.endpoints.length);
  }

  /** The endpoint to use now, or the time in ms until the first one may be tried again. */
  pick({ only, avoid, cautious = false }: PickOptions = {}): Endpoint | number {
    const now = performance.now();
    if (only !== undefined) {
      if (only.retryAt > now) return only.retryAt - now;
      only.claim();
      return only;
    }
    const { length } = this.endpoints;
    let secondBest: Endpoint | undefined;
    for (let step = 0; step < length; step += 1) {
      const index = (this.#next + step) % length;
      const endpoint = this.endpoints[index] as Endpoint;
      if (endpoint.retryAt > now) continue;
      if (endpoint === avoid || (cautious && endpoint.suspect)) {
        if (secondBest === undefined || secondBest === avoid) secondBest = endpoint;
        continue;
      }
      this.#next = index + 1;
      endpoint.claim();
      return endpoint;
    }
    secondBest?.claim();
    return secondBest ?? Math.max(1, this.soonest().retryAt - now);
  }

  /** The endpoint whose time aside ends first. */
  soonest(): Endpoint {
    return this.endpoints.reduce((best, each) => (each.retryAt < best.retryAt ? each : best));
  }

  /** As {@link pick}, but waits for an endpoint to come back. Undefined when one of the signals aborts first. */
  async acquire(
    signals: readonly AbortSignal[],
    { only, avoid }: Pick<PickOptions, "only" | "avoid"> = {},
  ): Promise<Endpoint | undefined> {
    for (;;) {
      if (signals.some(({ aborted }) => aborted)) return undefined;
      // A stream that hangs is found out late, so it does not try a suspect one either.
      const picked = this.pick({ only, avoid, cautious: true });
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
    for (const endpoint of this.endpoints) endpoint.cancelAll();
  }

  close(): void {
    for (const endpoint of this.endpoints) endpoint.close();
  }

  #wake(): void {
    for (const each of this.#waiting) each.abort();
  }
}
