import type { KeyValue as WireKeyValue } from "@quorumkit/proto";

/** A key with its value and etcd's bookkeeping. Text and JSON are made when asked for, from the bytes received. */
export class KeyValue {
  readonly #wire: WireKeyValue;
  #key: string | undefined;

  constructor(wire: WireKeyValue) {
    this.#wire = wire;
  }

  /** The key as UTF-8 text; {@link keyBytes} where keys are not text. */
  get key(): string {
    return (this.#key ??= this.#wire.key.toString("utf8"));
  }

  get keyBytes(): Buffer {
    return this.#wire.key;
  }

  /** The value's bytes. Empty where only keys were asked for. */
  get value(): Buffer {
    return this.#wire.value;
  }

  /** The value as UTF-8 text. */
  text(): string {
    return this.#wire.value.toString("utf8");
  }

  /** The value parsed as JSON. Throws a SyntaxError that names the key, and not the value, when it is none. */
  // The caller names the type it expects, as with JSON.parse itself; nothing checks it.
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters
  json<T = unknown>(): T {
    try {
      return JSON.parse(this.text()) as T;
    } catch {
      throw new SyntaxError(`the value of key ${JSON.stringify(this.key)} is not JSON`);
    }
  }

  /** The revision in which the key came into being; a fencing token where the key stands for ownership. */
  get createRevision(): bigint {
    return this.#wire.createRevision;
  }

  /** The revision of the last change. */
  get modRevision(): bigint {
    return this.#wire.modRevision;
  }

  /** How often the key was written since it came into being; 1 for a new key, 0 in a delete event. */
  get version(): bigint {
    return this.#wire.version;
  }

  /** The lease the key lives on, 0n for none. */
  get lease(): bigint {
    return this.#wire.lease;
  }

  /** For JSON.stringify: 64-bit numbers as decimal strings, the value as text. */
  toJSON(): Record<string, string> {
    return {
      key: this.key,
      value: this.text(),
      createRevision: String(this.createRevision),
      modRevision: String(this.modRevision),
      version: String(this.version),
      lease: String(this.lease),
    };
  }
}

export function toKeyValue(wire: WireKeyValue | null): KeyValue | undefined {
  return wire === null ? undefined : new KeyValue(wire);
}
