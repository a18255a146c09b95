import type { ServiceInstance } from "../instance.ts";
import type { Balancer } from "./balancer.ts";

/** One choice of an instance, for one call. */
export class Picked {
  readonly instance: ServiceInstance;
  readonly #balancer: Balancer;
  readonly #startedAt = performance.now();
  #done = false;

  constructor(instance: ServiceInstance, balancer: Balancer) {
    this.instance = instance;
    this.#balancer = balancer;
  }

  /** The instance's address. */
  get address(): string {
    return this.instance.address;
  }

  /** Says that the call ended: with an error when there is one. Balancers learn from it. Only the first time counts. */
  done(error?: unknown): void {
    if (this.#done) return;
    this.#done = true;
    this.#balancer.done?.(this.instance, performance.now() - this.#startedAt, error);
  }
}
