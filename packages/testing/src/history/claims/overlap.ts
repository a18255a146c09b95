import { describeOperation } from "../operation.ts";
import type { Violation } from "../verdict.ts";
import type { Claim, Sample } from "./claim.ts";

/** Claims and samples of one key, in the order of time. */
export interface KeyClaims {
  readonly key: string;
  readonly claims: readonly Claim[];
  readonly samples: readonly Sample[];
}

/** Puts claims and samples of the same key together. */
export function byKey(claims: readonly Claim[], samples: readonly Sample[]): readonly KeyClaims[] {
  const keys = new Set(claims.map(({ key }) => key));
  return [...keys].map((key) => ({
    key,
    claims: claims.filter((each) => each.key === key),
    samples: samples.filter((each) => each.key === key),
  }));
}

/** Two claims at the same time, or a sample within another's claim. A claim that ends as another begins is none. */
export function overlaps({ key, claims, samples }: KeyClaims): Violation[] {
  const found: Violation[] = [];
  let latest: Claim | undefined;
  for (const claim of claims) {
    if (isEmpty(claim)) continue;
    if (latest !== undefined && claim.from < (latest.until ?? claim.from + 1n))
      found.push({
        rule: "overlap",
        subject: key,
        message: `${claim.process} held token ${claim.token} while ${latest.process} still held token ${latest.token}`,
        part: [latest.line, claim.line],
      });
    if (latest === undefined || endsLater(claim, latest)) latest = claim;
  }
  for (const sample of samples) {
    const other = claims.find(
      (claim) =>
        claim.token !== sample.token &&
        claim.from < sample.from &&
        (claim.until === undefined || sample.until < claim.until),
    );
    if (other !== undefined)
      found.push({
        rule: "overlap",
        subject: key,
        message: `${sample.process} said it holds token ${sample.token} while ${other.process} held token ${other.token}`,
        part: [other.line, sample.line],
      });
  }
  return found;
}

/** A process that says it holds what it had given up or lost before. */
export function heldAfterEnd({ key, claims, samples }: KeyClaims): Violation[] {
  return samples.flatMap((sample): Violation[] => {
    const own = claims.find(({ process, token }) => process === sample.process && token === sample.token);
    const ended = own?.until !== undefined && sample.from > own.until;
    if (own !== undefined && !ended) return [];
    const message =
      own === undefined
        ? `${sample.process} said it holds token ${sample.token}, which it never got`
        : `${sample.process} said it holds token ${sample.token} after that was ${own.endedBy}`;
    return [{ rule: "heldAfterEnd", subject: key, message, part: [...(own ? [own.line] : []), sample.line] }];
  });
}

/** A token is had once, and a claim that begins after another has the larger one. */
export function tokensGrow({ key, claims }: KeyClaims, start: bigint): Violation[] {
  const found: Violation[] = [];
  const owners = new Map<bigint, Claim>();
  for (const claim of claims) {
    const before = owners.get(claim.token);
    owners.set(claim.token, claim);
    if (before !== undefined)
      found.push({
        rule: "tokens",
        subject: key,
        message: `token ${claim.token} was had twice, by ${before.process} and by ${claim.process}`,
        part: [before.line, claim.line],
      });
  }
  // A process may be told late, so only claims that did last have an order.
  let highest: Claim | undefined;
  for (const claim of claims) {
    if (isEmpty(claim)) continue;
    if (highest !== undefined && claim.token < highest.token)
      found.push({
        rule: "tokens",
        subject: key,
        message: `token ${claim.token} came after token ${highest.token}`,
        part: [describeOperation(highest.begin, start), describeOperation(claim.begin, start)],
      });
    if (highest === undefined || claim.token > highest.token) highest = claim;
  }
  return found;
}

function isEmpty({ from, until }: Claim): boolean {
  return until !== undefined && until <= from;
}

function endsLater(a: Claim, b: Claim): boolean {
  if (b.until === undefined) return false;
  return a.until === undefined || a.until > b.until;
}
