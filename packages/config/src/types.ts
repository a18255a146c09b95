import type { Emitter } from "@quorumkit/core/internal";
import type { StandardSchemaV1 } from "@standard-schema/spec";

/** The documents of a center: each name with the schema its effective value must satisfy. */
export type Documents = Readonly<Record<string, StandardSchemaV1>>;

/** The names of the documents. */
export type DocumentName<D extends Documents> = keyof D & string;

/** What {@link ConfigCenter.get} gives for a document: its schema's output, defaults and transformations included. */
export type DocumentValue<D extends Documents, N extends DocumentName<D>> = StandardSchemaV1.InferOutput<
  D[N]
>;

/** What one layer may hold of a document: any part of the schema's input, since the other layers give the rest. */
export type LayerValue<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [K in keyof T]?: LayerValue<T[K]> }
    : T;

/** All documents as they were, together, at one revision of the store. Deeply frozen. */
export interface ConfigSnapshot<D extends Documents> {
  /** The newest revision of the store of which this is known to be the effective configuration. */
  readonly revision: bigint;
  /** A document that did not change is the same object (`===`) as in the snapshot before. */
  readonly documents: { readonly [N in DocumentName<D>]: DocumentValue<D, N> };
}

/** Where in a document: its keys from the root. The root itself is the empty path. An array changes as a whole. */
export type ConfigPath = readonly string[];

/** One document that changed. Told apart by `document`, which also narrows the types of the two values. */
export type ConfigChange<D extends Documents> = {
  readonly [N in DocumentName<D>]: {
    readonly document: N;
    /** What is different in the effective value; never empty. */
    readonly paths: readonly ConfigPath[];
    readonly previous: DocumentValue<D, N>;
    readonly current: DocumentValue<D, N>;
    /** The revision of the snapshot in which it is so. */
    readonly revision: bigint;
  };
}[DocumentName<D>];

/** One thing wrong with a document. Never contains a value of it, unless the schema writes one into its message. */
export interface ConfigIssue {
  readonly message: string;
  /** Where in the merged document; the root where the schema says nothing. */
  readonly path: readonly PropertyKey[];
  /** The layer whose stored value cannot be read at all. Absent where the schema refused the merged document. */
  readonly layer?: string;
  /** The key of that stored value. */
  readonly key?: string;
}

/** A document whose stored state cannot go live, and which therefore holds its whole revision back. */
export interface ConfigRejection<Name extends string = string> {
  readonly document: Name;
  /** The revision that was refused. Absent for a value that {@link ConfigCenter.publish} refused to write. */
  readonly revision?: bigint;
  readonly issues: readonly ConfigIssue[];
  /** The keys the document is merged from, lowest precedence first, whether they exist or not. */
  readonly keys: readonly string[];
  /** What the schema threw, where it threw instead of answering. Its message may quote a value. */
  readonly cause?: unknown;
}

/**
 * `live`: `get()` gives what is stored, as far as the schemas accept it. `stale`: `get()` gives the last known good
 * state, as the connection to etcd is interrupted, or a schema has not answered for longer than the client's `timeoutMs`. `closed`: nothing is followed any more.
 */
export type ConfigState = "live" | "stale" | "closed";

/** The events of a center with what their listeners receive. */
export interface ConfigEvents<D extends Documents> {
  change: ConfigChange<D>;
  rejected: ConfigRejection<DocumentName<D>>;
  state: ConfigState;
}

/** The events inside the center, where documents are known by name only. */
export type ConfigEmitter = Emitter<{
  [E in keyof ConfigEvents<Documents>]: [payload: ConfigEvents<Documents>[E]];
}>;
