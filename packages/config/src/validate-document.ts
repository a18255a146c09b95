import type { StandardSchemaV1 } from "@standard-schema/spec";
import { frozenCopy } from "./freeze.ts";
import { parseJson } from "./json.ts";
import { mergeLayers } from "./merge.ts";
import type { ConfigIssue } from "./types.ts";

/** What one layer holds of a document. */
export interface LayerSource {
  readonly layer: string;
  readonly key: string;
  /** The stored bytes; undefined where the layer has no such key. */
  readonly value: Uint8Array | undefined;
}

/** Whether a document's sources make an effective value, frozen, or what is wrong with them. */
export type Verdict =
  | { readonly valid: true; readonly value: unknown }
  | { readonly valid: false; readonly issues: readonly ConfigIssue[]; readonly cause?: unknown };

/**
 * Parses, merges, validates and freezes one document. Never rejects: whatever goes wrong, in a user's schema too, makes
 * the document invalid.
 * @param sources its layers, lowest precedence first
 */
export async function validateDocument(
  schema: StandardSchemaV1,
  sources: readonly LayerSource[],
): Promise<Verdict> {
  try {
    const { values, issues } = readSources(sources);
    if (issues.length > 0) return { valid: false, issues };
    if (values.length > 0) return await askSchema(schema, mergeLayers(values));
    // No layer knows the document. A schema may have an answer to that as a whole (optional, a default), or have
    // defaults for every part of an object.
    const absent = await askSchema(schema, undefined);
    return absent.valid ? absent : await askSchema(schema, {});
  } catch (error) {
    return failed("the document could not be read", error);
  }
}

function readSources(sources: readonly LayerSource[]): { values: unknown[]; issues: ConfigIssue[] } {
  const values: unknown[] = [];
  const issues: ConfigIssue[] = [];
  for (const { layer, key, value } of sources) {
    if (value === undefined) continue;
    const parsed = parseJson(value);
    if ("problem" in parsed) issues.push({ message: parsed.problem, path: [], layer, key });
    else values.push(parsed.value);
  }
  return { values, issues };
}

async function askSchema(schema: StandardSchemaV1, input: unknown): Promise<Verdict> {
  try {
    // Always awaited: the specification does not say whether a schema answers at once, and some throw or reject.
    const result = await schema["~standard"].validate(input);
    // Success is a falsy `issues`, whatever else is there.
    if (result.issues) return { valid: false, issues: result.issues.map(toIssue) };
    return { valid: true, value: frozenCopy(result.value) };
  } catch (error) {
    return failed("the schema failed", error);
  }
}

/** An error's message may quote a value, so only its name goes into the issue; the error itself is the cause. */
function failed(what: string, error: unknown): Verdict {
  const name = error instanceof Error ? error.name : typeof error;
  return { valid: false, issues: [{ message: `${what}: it threw ${name}`, path: [] }], cause: error };
}

function toIssue(issue: StandardSchemaV1.Issue): ConfigIssue {
  const path = (issue.path ?? []).map((segment) => (typeof segment === "object" ? segment.key : segment));
  return { message: issue.message, path };
}
