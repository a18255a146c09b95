import type { ServiceInstance } from "../instance.ts";

/**
 * Chooses among instances. It is told what changes, never given a new list, so that what it has learnt of the others
 * stays: only instances that may be picked are ever added, and each id at most once.
 */
export interface Balancer {
  add(instance: ServiceInstance): void;
  /** The instance of this id says something else now, and keeps its place. */
  replace(instance: ServiceInstance): void;
  remove(id: string): void;
  /** The instance for the next call; undefined when there is none. */
  pick(): ServiceInstance | undefined;
  /** A call to an instance ended: well when `error` is undefined. */
  done?(instance: ServiceInstance, durationMs: number, error: unknown): void;
}
