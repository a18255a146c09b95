import { type Claim, claimId, killsOf } from "../claims/claim.ts";
import { fieldOf, keyOf, momentOf, tokenOf } from "../claims/token.ts";
import type { Call } from "../linearizability/model.ts";
import { describeNote, describeOperation, type Operation, type Operations } from "../operation.ts";
import type { MutexOp } from "./mutex-model.ts";

/** A call that knows where it stands in the history. */
export interface MutexCall extends Call<MutexOp> {
  readonly key: string;
  readonly line: string;
}

/** What the history says about mutexes, as operations on them. @throws HistoryError `wrongValue` */
export function toMutexCalls(history: Operations, claims: readonly Claim[]): readonly MutexCall[] {
  const { operations, notes, start } = history;
  const lost = notes
    .filter(({ op }) => op === "lost")
    .map((note): MutexCall => {
      const claim = claims.find(
        ({ begin }) => begin.completion && claimId(begin.completion) === claimId(note),
      );
      const at = momentOf(note, "until") ?? BigInt(note.time);
      return free(keyOf(note), claim?.token ?? tokenOf(note), at, describeNote(note, start));
    });
  const killed = [...killsOf(notes)].flatMap(([process, { at }]) =>
    claims
      .filter((claim) => claim.process === process)
      .map(({ key, token }) => free(key, token, at, `${process} was killed`)),
  );
  return [...operations.flatMap((each) => toCall(each, start) ?? []), ...lost, ...killed];
}

function free(key: string, token: bigint, at: bigint, line: string): MutexCall {
  return { key, line, op: { kind: "free", token }, invoked: at, returned: undefined };
}

function toCall(operation: Operation, start: bigint): MutexCall | undefined {
  const op = toOp(operation);
  if (op === undefined) return undefined;
  const { invocation, invoked, returned } = operation;
  return { key: keyOf(invocation), line: describeOperation(operation, start), op, invoked, returned };
}

function toOp(operation: Operation): MutexOp | undefined {
  const { invocation, completion, outcome } = operation;
  if (outcome === "fail") return undefined;
  switch (invocation.op) {
    case "acquire":
      // Without its token an acquisition can have been in others' way, and nothing more.
      if (completion === undefined) return undefined;
      if (outcome === "unknown" && fieldOf(completion, "token") === undefined) return undefined;
      return { kind: "acquire", token: tokenOf(completion) };
    case "release":
      return { kind: "release", token: tokenOf(invocation) };
    case "guardedWrite":
      // One that may never have happened helps nobody.
      return outcome === "ok" ? { kind: "guardedWrite", token: tokenOf(invocation) } : undefined;
    default:
      return undefined;
  }
}
