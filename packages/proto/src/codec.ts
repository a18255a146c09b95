import protobuf, { type Field, type Namespace, type Root, type Type } from "protobufjs";
import { BigIntReader } from "./bigint-reader.ts";
import { BigIntWriter } from "./bigint-writer.ts";
import { descriptors } from "./gen/descriptors.ts";

export interface Codec {
  readonly encode: (message: object) => Buffer;
  readonly decode: (bytes: Buffer) => object;
}

/**
 * Encoders and decoders that go over a message once. protobufjs' generated functions do the work; fields that are not on
 * the wire are read from the message's prototype, so nothing is filled in per message.
 */
export class Codecs {
  readonly #root: Root = protobuf.Root.fromJSON(descriptors);
  readonly #codecs = new Map<Type, Codec>();

  constructor() {
    this.#root.resolveAll();
    for (const type of typesOf(this.#root)) setDefaults(type);
  }

  /** The codecs of a call's two messages, by its path, such as `/etcdserverpb.KV/Range`. */
  ofCall(path: string): { readonly request: Codec; readonly response: Codec } {
    const [, service = "", name = ""] = path.split("/");
    const method = this.#root.lookupService(service).methods[name];
    method?.resolve();
    if (!method?.resolvedRequestType || !method.resolvedResponseType)
      throw new Error(`the descriptors have no ${path}`);
    return {
      request: this.#codec(method.resolvedRequestType),
      response: this.#codec(method.resolvedResponseType),
    };
  }

  #codec(type: Type): Codec {
    let codec = this.#codecs.get(type);
    if (codec === undefined) {
      codec = {
        encode: (message) => type.encode(message, new BigIntWriter()).finish() as Buffer,
        decode: (bytes) => type.decode(new BigIntReader(bytes)),
      };
      this.#codecs.set(type, codec);
    }
    return codec;
  }
}

function typesOf(namespace: Namespace): Type[] {
  return namespace.nestedArray.flatMap((each) => {
    const inner = "nestedArray" in each ? typesOf(each as Namespace) : [];
    return each instanceof protobuf.Type ? [each, ...inner] : inner;
  });
}

/** What a field reads as when it was not sent: never undefined, except for a member of a oneof that is not set. */
function setDefaults(type: Type): void {
  type.setup();
  const { prototype } = type.ctor as { prototype: Record<string, unknown> };
  for (const field of type.fieldsArray) {
    if (field.partOf === null) prototype[field.name] = defaultOf(field);
    else delete prototype[field.name];
  }
}

function defaultOf(field: Field): unknown {
  field.resolve();
  if (field.repeated) return Object.freeze([]);
  if (field.resolvedType instanceof protobuf.Type) return null;
  if (field.type === "bytes") return Buffer.alloc(0);
  return field.type.endsWith("int64") ? 0n : field.defaultValue;
}
