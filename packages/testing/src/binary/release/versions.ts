import { minorOf } from "../../version.ts";

/** The newest release of each line that is asked for by its line alone. */
const NEWEST_OF_LINE: Readonly<Record<string, string>> = {
  "3.4": "3.4.45",
  "3.5": "3.5.33",
  "3.6": "3.6.14",
  "3.7": "3.7.1",
};

/** The line that is fetched when no version is asked for. */
const DEFAULT_LINE = "3.5";

/** The release meant by what was asked for; `undefined` for a line that is not in the table. */
export function releaseFor(asked: string | undefined): string | undefined {
  const wanted = asked ?? DEFAULT_LINE;
  return minorOf(wanted) === wanted ? NEWEST_OF_LINE[wanted] : wanted;
}
