import { pause } from "../util/abort.ts";
import type { EndpointUrl } from "./endpoint-url.ts";
import { Endpoint } from "./endpoint.ts";

/** Picks the endpoint of the next call or stream: in turn, leaving out those that failed lately. */
export class EndpointPool {
  readonly endpoints: readonly Endpoint[];
  #next: number;

  constructor(addresses: readonly EndpointUrl[]) {
    this.endpoints = addresses.map((address) => new Endpoint(address));
    // Many clients with the same list must not all begin with its first member.
    this.#next = Math.floor(Math.random() * this.endpoints.length);
  }

  /** The endpoint to use now, or the time in ms until the first one may be tried again. `avoid` is taken only alone. */
  pick(avoid?: Endpoint): Endpoint | number {
    const now = performance.now();
    const { length } = this.endpoints;
    let avoided: Endpoint | undefined;
    for (let step = 0; step < length; step += 1) {
      const index = (this.#next + step) % length;
      const endpoint = this.endpoints[index] as Endpoint;
      if (endpoint.retryAt > now) continue;
      if (endpoint === avoid) {
        avoided = endpoint;
        continue;
      }
      this.#next = index + 1;
      return endpoint;
    }
    return avoided ?? Math.max(1, this.soonest().retryAt - now);
  }

  /** The endpoint whose time aside ends first. */
  soonest(): Endpoint {
    return this.endpoints.reduce((best, each) => (each.retryAt < best.retryAt ? each : best));
  }

  /** As {@link pick}, but waits for an endpoint to come back. Undefined when `signal` aborts first. */
  async acquire(signal: AbortSignal, avoid?: Endpoint): Promise<Endpoint | undefined> {
    for (;;) {
      if (signal.aborted) return undefined;
      const picked = this.pick(avoid);
      if (typeof picked !== "number") return picked;
      await pause(picked, signal);
    }
  }

  /** Why nothing answers, endpoint by endpoint, for error messages. */
  describeFailures(): string {
    return this.endpoints.map(({ url, lastError }) => `${url}: ${lastError ?? "not tried"}`).join("; ");
  }

  close(): void {
    for (const endpoint of this.endpoints) endpoint.close();
  }
}
