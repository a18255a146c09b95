import type { ServiceInstance } from "../instance.ts";
import type { Balancer } from "./balancer.ts";

/**
 * One after the other. The turn survives changes of the set: nobody is skipped or comes twice in a round because another
 * came or went. It begins at a random place, since all clients list the instances in the same order.
 */
export class RoundRobin implements Balancer {
  readonly #instances: ServiceInstance[] = [];
  readonly #random: () => number;
  #next: number | undefined;

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  add(instance: ServiceInstance): void {
    this.#instances.push(instance);
  }

  replace(instance: ServiceInstance): void {
    const index = this.#indexOf(instance.id);
    if (index >= 0) this.#instances[index] = instance;
  }

  remove(id: string): void {
    const index = this.#indexOf(id);
    if (index < 0) return;
    this.#instances.splice(index, 1);
    if (this.#next !== undefined && index < this.#next) this.#next--;
  }

  pick(): ServiceInstance | undefined {
    const count = this.#instances.length;
    if (count === 0) return undefined;
    this.#next ??= Math.floor(this.#random() * count);
    const index = this.#next < count ? this.#next : 0;
    this.#next = index + 1;
    return this.#instances[index];
  }

  #indexOf(id: string): number {
    return this.#instances.findIndex((instance) => instance.id === id);
  }
}
