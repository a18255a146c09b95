import type { StandardSchemaV1 } from "@standard-schema/spec";
import { type CallOptions, compare, type EtcdClient, type KeyValue, op } from "@quorumkit/core";
import { bigintOption, describe, refuseUnknown, type Scope } from "@quorumkit/core/internal";
import { conflictError, refusedError } from "./errors.ts";
import { toJson } from "./json.ts";
import { keyOf, keysOf } from "./layers.ts";
import type { ConfigSettings } from "./options.ts";
import { validateDocument } from "./validate-document.ts";

/** What {@link ConfigCenter.publish} takes. `timeoutMs` (the client's by default) and `signal` bound all of its steps. */
export interface PublishOptions extends CallOptions {
  /** The layer to write to; one of the center's. */
  readonly layer: string;
  /**
   * Write only if the layer's value was last written at this revision, `0n` meaning that there must be none. It is the
   * `revision` that `publish()` and `stored()` give.
   *
   * @default whatever is there is replaced
   */
  readonly ifRevision?: bigint;
}

/** What {@link ConfigCenter.publish} gives. */
export interface PublishResult {
  /** The revision of the write; usable as the next `ifRevision`. */
  readonly revision: bigint;
  /**
   * Whether `get()` of this center has it already. False when the time ran out before it came back from etcd, or when
   * another document is invalid and holds the newest state back. The write itself is done in any case.
   */
  readonly live: boolean;
}

const OPTIONS = ["layer", "ifRevision", "signal", "timeoutMs"];

/** A write that has passed every check that needs no etcd. */
export interface Publication {
  readonly document: string;
  readonly schema: StandardSchemaV1;
  readonly key: string;
  readonly json: string;
  readonly ifRevision: bigint | undefined;
}

/** @throws TypeError naming what is wrong with the document, the value or an option. */
export function readPublication(
  settings: ConfigSettings,
  document: string,
  value: unknown,
  options: PublishOptions,
): Publication {
  const schema = schemaOf(settings, document);
  refuseUnknown(options, OPTIONS, "publish");
  const { layer } = options;
  checkLayer(settings, layer);
  const ifRevision = bigintOption(options.ifRevision, "ifRevision");
  return {
    document,
    schema,
    key: keyOf(settings, layer, document),
    json: toJson(value, "value"),
    ifRevision,
  };
}

/** @throws TypeError for a document the center does not have. */
export function schemaOf(settings: ConfigSettings, document: string): StandardSchemaV1 {
  const schema = settings.schemas.get(document);
  if (schema !== undefined) return schema;
  const known = [...settings.schemas.keys()].join(", ");
  throw new TypeError(`document must be one of ${known}, received ${describe(document)}`);
}

/** @throws TypeError for a layer the center does not have. */
export function checkLayer(settings: ConfigSettings, layer: string): void {
  if (settings.layers.includes(layer)) return;
  throw new TypeError(`layer must be one of ${settings.layers.join(", ")}, received ${describe(layer)}`);
}

/**
 * Writes one layer's value, if the document that results is valid. The transaction holds the other layers to what was
 * validated, so that two valid writes at the same time cannot add up to an invalid document; when one of them moved,
 * the result is validated again.
 * @returns the revision of the write
 */
export async function publish(
  etcd: EtcdClient,
  settings: ConfigSettings,
  publication: Publication,
  deadline: Scope,
): Promise<bigint> {
  const { document, key, json, ifRevision } = publication;
  const keys = keysOf(settings, document);
  const reads = keys.map((each) => op.get(each));
  let stored: Stored = (
    await etcd
      .txn()
      .then(...reads)
      .commit(deadline.callOptions())
  ).results as Stored;
  for (;;) {
    const revisions = new Map(keys.map((each, index) => [each, stored[index]?.modRevision ?? 0n]));
    const found = revisions.get(key) ?? 0n;
    if (ifRevision !== undefined && found !== ifRevision) throw conflictError(key, ifRevision, found);
    await checkEffect(settings, publication, stored, deadline);
    // The layer that is written is held to its revision only where the caller asks for it.
    const guarded = keys.filter((each) => each !== key || ifRevision !== undefined);
    const guards = guarded.map((each) => compare(each).modRevision.equals(revisions.get(each) ?? 0n));
    const txn = etcd
      .txn()
      .if(...guards)
      .then(op.put(key, json))
      .else(...reads);
    const result = await txn.commit(deadline.callOptions());
    if (result.succeeded) return result.revision;
    stored = result.results;
  }
}

/** What the layers hold, in their order. */
type Stored = readonly (KeyValue | undefined)[];

async function checkEffect(
  settings: ConfigSettings,
  { document, schema, key, json }: Publication,
  stored: Stored,
  deadline: Scope,
): Promise<void> {
  const keys = keysOf(settings, document);
  const sources = settings.layers.map((layer, index) => {
    const at = keys[index] ?? "";
    return { layer, key: at, value: at === key ? Buffer.from(json) : stored[index]?.value };
  });
  const verdict = await deadline.race(validateDocument(schema, sources));
  if (verdict.valid) return;
  const { issues, cause } = verdict;
  throw refusedError("publish", [{ document, issues, keys, ...(cause === undefined ? {} : { cause }) }]);
}
