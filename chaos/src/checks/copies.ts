import { Replay, type StoredKey } from "../log/true-log.ts";
import { DATA, REGISTRY, RUN_ELECTION, SERVICE } from "../names.ts";
import { digest } from "../work/digest.ts";
import type { Evidence, Look } from "./evidence.ts";
import { type Finding, finding } from "./finding.ts";

/** Copies say at which revision they are: then they are what the store was. */
export function checkCopies(evidence: Evidence): Finding[] {
  const { mirrors, resolvers, views } = evidence;
  return [
    compared("mirrors are the store at their revision", evidence, mirrors, DATA, digestOfData),
    compared(
      "resolvers are the registry at their revision",
      evidence,
      resolvers,
      SERVICES,
      digestOfInstances,
    ),
    compared(
      "views of an election are its queue at their revision",
      evidence,
      views,
      `${RUN_ELECTION}/`,
      tokensOf,
    ),
    leaseless(evidence),
  ];
}

export const SERVICES: string = `${REGISTRY}/${SERVICE}/`;

export function digestOfData(keys: Iterable<StoredKey>): string {
  return digest(Array.from(keys, ({ key, modRevision }) => `${key} ${modRevision}`));
}

function digestOfInstances(keys: Iterable<StoredKey>): string {
  return digest(
    Array.from(keys, ({ key, value }) => {
      const { metadata } = JSON.parse(value) as { readonly metadata: { readonly n?: string } };
      return `${key.slice(SERVICES.length)} ${metadata.n ?? ""}`;
    }),
  );
}

/** The candidates' fencing tokens, the leader's first. */
export function tokensOf(keys: Iterable<StoredKey>): string {
  const tokens = Array.from(keys, ({ createRevision }) => createRevision);
  return tokens.sort((a, b) => a - b).join(" ");
}

function compared(
  invariant: string,
  { log }: Evidence,
  looks: readonly Look[],
  prefix: string,
  sum: (keys: Iterable<StoredKey>) => string,
): Finding {
  const violations: string[] = [];
  const replay = new Replay(log, prefix);
  let revision = 0;
  let expected = "";
  for (const look of [...looks].sort((a, b) => a.revision - b.revision)) {
    if (look.revision !== revision) {
      revision = look.revision;
      expected = sum(replay.to(revision).keys.values());
    }
    if (look.seen !== expected)
      violations.push(
        `${look.process} saw at revision ${revision} of ${prefix}: ${look.seen}, not ${expected}`,
      );
  }
  return finding(invariant, looks.length, violations);
}

function leaseless({ log }: Evidence): Finding {
  const puts = log.entries.flatMap(({ revision, events }) =>
    events.flatMap(({ type, key, lease }) =>
      type === "put" && key.startsWith(SERVICES) ? [{ revision, key, lease }] : [],
    ),
  );
  const without = puts.filter(({ lease }) => lease === "0");
  const lines = without.map(
    ({ revision, key }) => `${key} was written without a lease in revision ${revision}`,
  );
  return finding("no registration is ever without a lease", puts.length, lines);
}
