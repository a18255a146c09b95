import { describe, numberOption, refuseUnknown } from "@quorumkit/core/internal";
import { checkAddress } from "./address.ts";

/** `draining`: still there and still answering, but on its way out, so nobody new is sent to it. */
export type InstanceStatus = "up" | "draining";

/** What {@link ServiceRegistry.register} takes: one instance of a service, as others shall see it. */
export interface ServiceDescription {
  /** The service's name, such as "orders". Not empty, without "/" and white space, at most 255 characters. */
  readonly name: string;
  /** Where the instance can be called: "host:port", or a URL. A wildcard such as 0.0.0.0 is refused. */
  readonly address: string;
  /**
   * Names the instance within its service; same rules as for `name`. Default: a random one. Give one to keep it over
   * restarts; two live instances of the same id exclude each other.
   */
  readonly id?: string;
  /** The version of the program, for people and for filters. Default: none. */
  readonly version?: string;
  /** Where it runs, such as "eu-west-1a". Default: none. */
  readonly zone?: string;
  /** Its share of the traffic relative to others, a whole number from 0 to 1 000 000; 0 takes it out. Default 100. */
  readonly weight?: number;
  /** Anything else others shall know: strings by name. Default: none. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** What {@link Registration.update} takes: the fields to change. `metadata` is replaced as a whole. */
export type InstanceUpdate = Partial<Omit<ServiceDescription, "name" | "id">>;

/** One instance of a service, as it stands in etcd. Frozen; an update makes a new one. */
export interface ServiceInstance {
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly version?: string;
  readonly zone?: string;
  readonly weight: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly status: InstanceStatus;
}

const DEFAULT_WEIGHT = 100;
const MAX_WEIGHT = 1_000_000;
const MAX_NAME_LENGTH = 255;
const UPDATE_FIELDS: readonly string[] = ["address", "version", "zone", "weight", "metadata"];
const DESCRIPTION_FIELDS: readonly string[] = ["name", "id", ...UPDATE_FIELDS];

/** Makes the instance of a description. @throws TypeError naming the field that is wrong. */
export function instanceOf(description: ServiceDescription, makeId: () => string): ServiceInstance {
  refuseUnknown(description, DESCRIPTION_FIELDS, "register");
  return checkInstance({
    ...description,
    id: description.id === undefined ? makeId() : description.id,
    status: "up",
  });
}

/** The instance with some fields changed. @throws TypeError naming the field that is wrong. */
export function withUpdate(instance: ServiceInstance, update: InstanceUpdate): ServiceInstance {
  refuseUnknown(update, UPDATE_FIELDS, "update");
  const given = Object.fromEntries(Object.entries(update).filter(([, value]) => value !== undefined));
  return checkInstance({ ...instance, ...given });
}

/** The instance on its way out. */
export function asDraining(instance: ServiceInstance): ServiceInstance {
  return instance.status === "draining" ? instance : Object.freeze({ ...instance, status: "draining" });
}

/** A name that becomes one part of a key. @throws TypeError */
export function checkName(value: unknown, name: string): string {
  if (typeof value !== "string" || value === "" || value.length > MAX_NAME_LENGTH) {
    throw new TypeError(
      `${name} must be a string of 1 to ${MAX_NAME_LENGTH} characters, received ${describe(value)}`,
    );
  }
  if (/[/\s\p{Cc}]/u.test(value)) {
    throw new TypeError(
      `${name} must not contain "/", white space or control characters, received ${describe(value)}`,
    );
  }
  return value;
}

/** Checks fields of unknown origin and makes the frozen instance; fields it does not know are left out. @throws TypeError */
export function checkInstance(fields: { readonly [K in keyof ServiceInstance]?: unknown }): ServiceInstance {
  const { status = "up" } = fields;
  if (status !== "up" && status !== "draining") {
    throw new TypeError(`status must be "up" or "draining", received ${describe(status)}`);
  }
  const version = optionalText(fields.version, "version");
  const zone = optionalText(fields.zone, "zone");
  return Object.freeze({
    id: checkName(fields.id, "id"),
    name: checkName(fields.name, "name"),
    address: checkAddress(fields.address, "address"),
    ...(version === undefined ? {} : { version }),
    ...(zone === undefined ? {} : { zone }),
    weight: numberOption(fields.weight as number | undefined, "weight", {
      min: 0,
      max: MAX_WEIGHT,
      integer: true,
      fallback: DEFAULT_WEIGHT,
    }),
    metadata: checkMetadata(fields.metadata),
    status,
  });
}

/** Whether a balancer may send new calls to it. */
export function isPickable(instance: ServiceInstance): boolean {
  return instance.status === "up" && instance.weight > 0;
}

/** Whether two instances of the same id say the same. */
export function sameInstance(a: ServiceInstance, b: ServiceInstance): boolean {
  return (
    a.id === b.id &&
    a.name === b.name &&
    a.address === b.address &&
    a.version === b.version &&
    a.zone === b.zone &&
    a.weight === b.weight &&
    a.status === b.status &&
    sameMetadata(a.metadata, b.metadata)
  );
}

function sameMetadata(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && a[name] === b[name])
  );
}

function optionalText(value: unknown, name: string): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== "string" || value === "") {
    throw new TypeError(`${name} must be a string that is not empty, received ${describe(value)}`);
  }
  return value;
}

function checkMetadata(value: unknown): Readonly<Record<string, string>> {
  if (value === undefined) return Object.freeze({});
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TypeError(`metadata must be an object of strings, received ${describe(value)}`);
  }
  const entries = Object.entries(value).map(([name, text]): [string, string] => {
    if (typeof text !== "string")
      throw new TypeError(`metadata.${name} must be a string, received ${describe(text)}`);
    return [name, text];
  });
  return Object.freeze(Object.fromEntries(entries));
}
