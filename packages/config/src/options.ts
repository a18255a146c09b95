import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { CallOptions } from "@quorumkit/core";
import { describe, refuseUnknown } from "@quorumkit/core/internal";
import { checkDocumentName, checkLayers, checkPrefix, type KeyLayout } from "./layers.ts";
import type { Documents } from "./types.ts";

/** What {@link ConfigCenter.open} takes. `signal` and `timeoutMs` (the client's by default) bound the opening only. */
export interface ConfigOptions<D extends Documents> extends CallOptions {
  /**
   * Where all keys of the configuration stand, without a "/" at the end. Everything below it is mirrored into this
   * process, so a user restricted by roles needs to read this range.
   *
   * @default "config"
   */
  readonly prefix?: string;
  /**
   * The layers a document is merged from, lowest precedence first: a later one wins. A name may have several segments,
   * as in `["global", "env/prod", "service/orders"]`.
   */
  readonly layers: readonly string[];
  /**
   * The documents by name, each with the schema (any Standard Schema) of its merged value. A document that no layer has
   * is offered to its schema as `undefined`, then as `{}`: so that it may be optional or consist of defaults.
   */
  readonly documents: D;
}

/** The options after checking. */
export interface ConfigSettings extends KeyLayout {
  readonly schemas: ReadonlyMap<string, StandardSchemaV1>;
}

const OPTIONS = ["prefix", "layers", "documents", "signal", "timeoutMs"];

/** @throws TypeError naming the first option that is unknown or wrong, and what was received. */
export function readOptions(options: ConfigOptions<Documents>): ConfigSettings {
  refuseUnknown(options, OPTIONS, "ConfigCenter.open");
  return {
    prefix: options.prefix === undefined ? "config" : checkPrefix(options.prefix),
    layers: checkLayers(options.layers),
    schemas: readDocuments(options.documents),
  };
}

function readDocuments(documents: unknown): ReadonlyMap<string, StandardSchemaV1> {
  if (typeof documents !== "object" || documents === null || Object.keys(documents).length === 0) {
    throw new TypeError(
      `documents must be an object with at least one schema, received ${describe(documents)}`,
    );
  }
  return new Map(
    Object.entries(documents).map(([name, schema]: [string, unknown]) => {
      if (!isStandardSchema(schema)) {
        throw new TypeError(
          `documents.${name} must be a Standard Schema (version 1), received ${describe(schema)}`,
        );
      }
      return [checkDocumentName(name), schema];
    }),
  );
}

/** A schema may be a function too: ArkType's are. */
function isStandardSchema(value: unknown): value is StandardSchemaV1 {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
  const standard = (value as Partial<StandardSchemaV1>)["~standard"];
  return standard?.version === 1 && typeof standard.validate === "function";
}
