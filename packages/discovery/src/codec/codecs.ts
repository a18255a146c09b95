import { describe } from "@quorumkit/core/internal";
import type { InstanceCodec } from "./codec.ts";
import { jsonCodec } from "./json-codec.ts";

const CODECS: ReadonlyMap<unknown, InstanceCodec> = new Map([["json", jsonCodec]]);

/** The names of the codecs there are. */
export type CodecName = "json";

/** @throws TypeError for a name that no codec has. */
export function codecNamed(name: CodecName = "json"): InstanceCodec {
  const codec = CODECS.get(name);
  if (codec === undefined) {
    throw new TypeError(`codec must be one of ${[...CODECS.keys()].join(", ")}, received ${describe(name)}`);
  }
  return codec;
}
