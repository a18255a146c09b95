import type { EtcdSource } from "../options.ts";

/** What is wanted of a binary source. */
export interface BinaryRequest {
  /** A release line or one release; `undefined` means any. */
  readonly version: string | undefined;
  readonly signal: AbortSignal | undefined;
}

/** An etcd that runs on this machine. */
export interface FoundBinary {
  /** Absolute path of `etcd`. */
  readonly path: string;
  /** What it says its version is, such as "3.5.16". */
  readonly version: string;
  /** Where it is from, for people: "the Debian package (trixie)". */
  readonly origin: string;
}

/** Why a source has nothing to give. */
export interface NotFound {
  readonly reason: string;
}

/** A place where an etcd binary can come from. */
export interface BinarySource {
  readonly name: EtcdSource;
  /** Rejects only when going on to the next source would hide a mistake of the user, or when the signal is aborted. */
  find(request: BinaryRequest): Promise<FoundBinary | NotFound>;
}

export function isFound(result: FoundBinary | NotFound): result is FoundBinary {
  return "path" in result;
}

export function notFound(reason: string): NotFound {
  return { reason };
}
