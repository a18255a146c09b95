import { describe } from "@quorumkit/core/internal";

/** Every document costs one comparison and one read per layer in a transaction, of which etcd allows 128. */
const MAX_LAYERS = 64;

/** Where the documents of a center stand in etcd: `<prefix>/<layer>/<document>`. */
export interface KeyLayout {
  readonly prefix: string;
  /** Lowest precedence first. */
  readonly layers: readonly string[];
}

/** The key of one document in one layer. A document has no "/" in its name, so no two pairs share a key. */
export function keyOf(layout: KeyLayout, layer: string, document: string): string {
  return `${layout.prefix}/${layer}/${document}`;
}

/** The keys a document is merged from, lowest precedence first. */
export function keysOf(layout: KeyLayout, document: string): string[] {
  return layout.layers.map((layer) => keyOf(layout, layer, document));
}

/** @throws TypeError for a prefix that is empty, ends in "/" or has an empty segment. A "/" in front is allowed. */
export function checkPrefix(prefix: unknown): string {
  if (typeof prefix !== "string" || !hasNoEmptySegment(prefix.startsWith("/") ? prefix.slice(1) : prefix)) {
    throw new TypeError(
      `prefix must be a string of non-empty segments between "/", not ending in one, received ${describe(prefix)}`,
    );
  }
  return prefix;
}

/** @throws TypeError for no layer, too many, one with an empty segment, or one named twice. */
export function checkLayers(layers: unknown): readonly string[] {
  if (!Array.isArray(layers) || layers.length === 0 || layers.length > MAX_LAYERS) {
    throw new TypeError(
      `layers must be an array of 1 to ${MAX_LAYERS} names, lowest precedence first, received ${describe(layers)}`,
    );
  }
  const names = layers.map((layer: unknown, index) => {
    if (typeof layer === "string" && hasNoEmptySegment(layer)) return layer;
    throw new TypeError(
      `layers[${index}] must be a string of non-empty segments between "/", received ${describe(layer)}`,
    );
  });
  const twice = names.find((layer, index) => names.indexOf(layer) !== index);
  if (twice !== undefined)
    throw new TypeError(`layers must not name a layer twice, received ${describe(twice)} twice`);
  return Object.freeze(names);
}

/** @throws TypeError for a name that is empty or contains "/". */
export function checkDocumentName(document: string): string {
  if (document === "" || document.includes("/")) {
    throw new TypeError(
      `documents: a name must be non-empty and without "/", received ${describe(document)}`,
    );
  }
  return document;
}

function hasNoEmptySegment(path: string): boolean {
  return path.split("/").every((segment) => segment !== "");
}
