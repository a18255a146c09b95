import type { ServiceInstance } from "../instance.ts";

/** How instances lie in etcd: where, and in which format. */
export interface InstanceCodec {
  /** What every key of the service begins with, and no key of another service does. */
  prefix(root: string, service: string): string;
  /** The key of one instance; it begins with the service's prefix. */
  key(root: string, service: string, id: string): string;
  /** The value of one instance. `owner` is the registration's mark, for {@link InstanceCodec.owner} to find again. */
  encode(instance: ServiceInstance, owner: string): string;
  /**
   * The instances a key stands for: one, or none or several in layouts where a key is not an instance.
   * @throws when the value cannot be read; the message says why.
   */
  decode(entry: EncodedInstance): readonly ServiceInstance[];
  /** The mark of the registration that wrote the value; undefined where the value has none. Never throws. */
  owner(value: Buffer): string | undefined;
}

/** One key of a service. */
export interface EncodedInstance {
  readonly service: string;
  /** The key without the service's prefix. */
  readonly name: string;
  readonly value: Buffer;
}
