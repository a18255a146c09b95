import { isDeepStrictEqual } from "node:util";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { changedPaths } from "./diff.ts";
import { keyOf, keysOf } from "./layers.ts";
import type { ConfigSettings } from "./options.ts";
import type { ConfigChange, ConfigRejection, ConfigSnapshot, Documents } from "./types.ts";
import { type LayerSource, validateDocument, type Verdict } from "./validate-document.ts";

/** The keys of a center as they were stored at one revision. Keys of others may be among them. */
export interface StoredState {
  readonly revision: bigint;
  readonly entries: ReadonlyMap<string, { readonly value: Uint8Array; readonly modRevision: bigint }>;
}

/** What a stored state comes to: all documents are valid and make a snapshot, or at least one is not. */
export type Outcome =
  | {
      readonly accepted: true;
      readonly snapshot: ConfigSnapshot<Documents>;
      readonly changes: readonly ConfigChange<Documents>[];
    }
  | {
      readonly accepted: false;
      readonly rejections: readonly ConfigRejection[];
      /** False when nothing of ours changed since the last outcome, so that there is nothing new to report. */
      readonly news: boolean;
    };

interface Examined {
  readonly sources: readonly LayerSource[];
  readonly verdict: Verdict;
}

/**
 * Turns stored states into snapshots, one after the other. The configuration is whole: a state of which one document is
 * invalid makes no snapshot at all, because its documents may have been written together, in one transaction, and a mix
 * of old and new is a state that nobody ever wrote.
 */
export class SnapshotBuilder {
  readonly #settings: ConfigSettings;
  /** The last verdict of each document, also of a state that was refused: what did not change is not asked again. */
  #examined: ReadonlyMap<string, Examined> = new Map();
  #live: ConfigSnapshot<Documents> | undefined;
  readonly #asking = new Set<string>();

  constructor(settings: ConfigSettings) {
    this.#settings = settings;
  }

  /** The documents whose schemas have been asked and have not answered yet. */
  get asking(): readonly string[] {
    return [...this.#asking];
  }

  /** Calls must not overlap. Never rejects. */
  async build(state: StoredState): Promise<Outcome> {
    const before = this.#examined;
    const examined = new Map(
      await Promise.all(
        [...this.#settings.schemas].map(async ([document, schema]): Promise<[string, Examined]> => {
          return [document, await this.#examine(document, schema, state)];
        }),
      ),
    );
    this.#examined = examined;
    const rejections = [...examined].flatMap(([document, { verdict }]): ConfigRejection[] => {
      if (verdict.valid) return [];
      const { issues, cause } = verdict;
      const rejection = {
        document,
        revision: state.revision,
        issues,
        keys: keysOf(this.#settings, document),
      };
      return [Object.freeze(cause === undefined ? rejection : { ...rejection, cause })];
    });
    if (rejections.length === 0) return this.#accept(examined, state.revision);
    const news = [...examined].some(([document, one]) => before.get(document) !== one);
    return { accepted: false, rejections: Object.freeze(rejections), news };
  }

  async #examine(document: string, schema: StandardSchemaV1, state: StoredState): Promise<Examined> {
    const sources = this.#settings.layers.map((layer): LayerSource => {
      const key = keyOf(this.#settings, layer, document);
      return { layer, key, value: state.entries.get(key)?.value };
    });
    const known = this.#examined.get(document);
    if (known !== undefined && hasSameValues(known.sources, sources)) return known;
    this.#asking.add(document);
    const verdict = await validateDocument(schema, sources);
    this.#asking.delete(document);
    return { sources, verdict };
  }

  #accept(examined: ReadonlyMap<string, Examined>, revision: bigint): Outcome {
    const live = this.#live;
    const changes: ConfigChange<Documents>[] = [];
    const documents = [...examined].map(([document, { verdict }]): [string, unknown] => {
      const value = verdict.valid ? verdict.value : undefined;
      const previous = live?.documents[document];
      const paths = live === undefined ? [] : changedPaths(previous, value);
      // Written anew, but to the same effect: the object that readers hold stays.
      if (live !== undefined && paths.length === 0) return [document, previous];
      if (live !== undefined)
        changes.push(Object.freeze({ document, paths, previous, current: value, revision }));
      return [document, value];
    });
    const same = live !== undefined && changes.length === 0;
    if (same && live.revision === revision) return { accepted: true, snapshot: live, changes };
    const snapshot = {
      revision,
      documents: same ? live.documents : Object.freeze(Object.fromEntries(documents)),
    };
    this.#live = Object.freeze(snapshot);
    return { accepted: true, snapshot: this.#live, changes };
  }
}

function hasSameValues(before: readonly LayerSource[], now: readonly LayerSource[]): boolean {
  return now.every(({ value }, index) => isDeepStrictEqual(value, before[index]?.value));
}
