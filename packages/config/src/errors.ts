import { EtcdError, type EtcdErrorCode } from "@quorumkit/core";
import type { ConfigIssue, ConfigRejection } from "./types.ts";

/** The codes this package throws, in one place. */
const REFUSED: EtcdErrorCode = "INVALID_ARGUMENT";
const CONFLICT: EtcdErrorCode = "FAILED_PRECONDITION";

/** Stands as the cause of an {@link EtcdError}, so that a log shows the issues and a program finds them. */
class RejectedDocuments extends Error {
  override readonly name = "RejectedDocuments";
  readonly rejections: readonly ConfigRejection[];

  constructor(rejections: readonly ConfigRejection[]) {
    super(rejections.map(explain).join("; "));
    this.rejections = rejections;
  }
}

/** Documents that no snapshot can be made of, or that must not be written. */
export function refusedError(
  doing: "ConfigCenter.open" | "publish",
  rejections: readonly ConfigRejection[],
): EtcdError {
  const cause = new RejectedDocuments(rejections);
  const outcome = doing === "publish" ? "notApplied" : undefined;
  return new EtcdError(REFUSED, `${doing}: ${cause.message}`, { cause, outcome });
}

/** The stored value is not the one the caller decided upon. */
export function conflictError(key: string, expected: bigint, found: bigint): EtcdError {
  const state = (revision: bigint): string =>
    revision === 0n ? "does not exist" : `was last written at ${revision}`;
  return new EtcdError(CONFLICT, `publish: ${key} ${state(found)}; ifRevision says it ${state(expected)}`, {
    outcome: "notApplied",
  });
}

/** The rejected documents behind an error of {@link ConfigCenter.open} or `publish`; none for any other error. */
export function configRejections(error: unknown): readonly ConfigRejection[] {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof RejectedDocuments ? cause.rejections : [];
}

function explain({ document, issues, keys }: ConfigRejection): string {
  return `document "${document}" (${issues.map(explainIssue).join(", ")}; merged from ${keys.join(", ")})`;
}

function explainIssue({ message, path, key }: ConfigIssue): string {
  const at = key ?? path.map(String).join(".");
  return at === "" ? message : `${at}: ${message}`;
}
