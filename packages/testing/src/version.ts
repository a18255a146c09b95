/** The oldest line whose flags and health endpoint are as we use them. */
const OLDEST = "3.4";
const ASKED = /^\d+\.\d+(\.\d+)?$/;

/** Whether `text` names a version that can be asked for: a line such as "3.5", or one release such as "3.5.16"; not before 3.4. */
export function isVersion(text: string): boolean {
  return ASKED.test(text) && compareVersions(text, OLDEST) >= 0;
}

/** Whether `found` ("3.5.16") is what `asked` names ("3.5", "3.5.16"; `undefined` means any from 3.4 on). */
export function satisfies(found: string, asked: string | undefined): boolean {
  if (asked === undefined) return compareVersions(found, OLDEST) >= 0;
  return found === asked || found.startsWith(`${asked}.`) || found.startsWith(`${asked}-`);
}

/** Sorts versions, oldest first. */
export function compareVersions(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}

/** "3.5.16" gives "3.5". */
export function minorOf(version: string): string {
  return version.split(".").slice(0, 2).join(".");
}
