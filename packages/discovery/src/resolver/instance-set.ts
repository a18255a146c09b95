import type { EncodedInstance } from "../codec/codec.ts";
import { sameInstance, type ServiceInstance } from "../instance.ts";

/** What changed in a set of instances. A removed instance is given as it was last seen. */
export interface InstanceChanges {
  readonly added: readonly ServiceInstance[];
  readonly updated: readonly ServiceInstance[];
  readonly removed: readonly ServiceInstance[];
}

/** A key whose value cannot be read. */
export interface InvalidInstance {
  readonly key: string;
  readonly reason: Error;
}

/** What a key holds now; no entry when it is gone. */
export interface KeyChange {
  readonly key: string;
  readonly entry: EncodedInstance | undefined;
}

type Decode = (entry: EncodedInstance) => readonly ServiceInstance[];
type OnInvalid = (invalid: InvalidInstance) => void;

/** What a key stood for before a change, and what it stood for last, which a removal shows. */
interface Touched {
  readonly before: readonly ServiceInstance[];
  readonly lastSeen: readonly ServiceInstance[];
}

const NONE: readonly ServiceInstance[] = Object.freeze([]);

/**
 * The instances of a service, by the keys that stand for them. A change costs as much as changed, not as much as there
 * is. One value that cannot be read spoils nothing: it is reported, and what its key said before stays until it is gone.
 */
export class InstanceSet {
  readonly #decode: Decode;
  readonly #byKey = new Map<string, readonly ServiceInstance[]>();
  #snapshot: readonly ServiceInstance[] | undefined;

  constructor(decode: Decode) {
    this.#decode = decode;
  }

  /** All of them. The array is frozen, and the same one until something changes. */
  get instances(): readonly ServiceInstance[] {
    return (this.#snapshot ??= Object.freeze([...this.#byKey.values()].flat()));
  }

  /**
   * Takes over what changed, in order, and tells what that means as a whole; undefined when it means nothing. A key may
   * change several times: what counts is what it stands for before and after.
   */
  apply(changes: Iterable<KeyChange>, onInvalid: OnInvalid): InstanceChanges | undefined {
    const touched = new Map<string, Touched>();
    for (const { key, entry } of changes) {
      const { before, lastSeen } = touched.get(key) ?? { before: this.#of(key), lastSeen: this.#of(key) };
      const now = entry === undefined ? NONE : (this.#read(key, entry, onInvalid) ?? this.#of(key));
      this.#put(key, now);
      touched.set(key, { before, lastSeen: now.length === 0 ? lastSeen : now });
    }
    return this.#difference(touched);
  }

  #difference(touched: ReadonlyMap<string, Touched>): InstanceChanges | undefined {
    const added: ServiceInstance[] = [];
    const updated: ServiceInstance[] = [];
    const removed: ServiceInstance[] = [];
    for (const [key, { before, lastSeen }] of touched) {
      // What says the same as before stays the same object.
      const after = this.#of(key).map(
        (each) => before.find((previous) => sameInstance(previous, each)) ?? each,
      );
      this.#put(key, after);
      for (const instance of after) {
        const previous = find(before, instance.id);
        if (previous === undefined) added.push(instance);
        else if (previous !== instance) updated.push(instance);
      }
      for (const previous of before) {
        const { id } = previous;
        if (find(after, id) === undefined) removed.push(find(lastSeen, id) ?? previous);
      }
    }
    if (added.length + updated.length + removed.length === 0) return undefined;
    this.#snapshot = undefined;
    return { added, updated, removed };
  }

  #of(key: string): readonly ServiceInstance[] {
    return this.#byKey.get(key) ?? NONE;
  }

  #put(key: string, instances: readonly ServiceInstance[]): void {
    if (instances.length === 0) this.#byKey.delete(key);
    else this.#byKey.set(key, instances);
  }

  #read(key: string, entry: EncodedInstance, onInvalid: OnInvalid): readonly ServiceInstance[] | undefined {
    try {
      return this.#decode(entry);
    } catch (error) {
      onInvalid({ key, reason: error instanceof Error ? error : new Error(String(error)) });
      return undefined;
    }
  }
}

function find(instances: readonly ServiceInstance[], id: string): ServiceInstance | undefined {
  return instances.find((each) => each.id === id);
}
