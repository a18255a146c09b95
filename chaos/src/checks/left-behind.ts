import { Replay, type TrueLog } from "../log/true-log.ts";
import { CAMPAIGN_ELECTION, LOCKS, RUN_ELECTION, SESSIONS } from "../names.ts";
import { SERVICES } from "./copies.ts";
import { type Finding, finding } from "./finding.ts";

/** Workers that ended as they were told leave nothing that stands for them. */
export function checkLeftBehind(log: TrueLog, killed: readonly string[]): Finding {
  const names = [...LOCKS, RUN_ELECTION, CAMPAIGN_ELECTION];
  const prefixes = [...names.map((name) => `${name}/`), SESSIONS, SERVICES];
  const left = prefixes.flatMap((prefix) => [...new Replay(log, prefix).to(log.until).keys.keys()]);
  return finding("closing ends everything and leaves nothing", prefixes.length, [
    ...killed.map((name) => `${name} did not end when it was told to`),
    ...left.map((key) => `${key} is left`),
  ]);
}
