/** Whether a server's version is at least `line`, such as "3.6": what a test expects of older servers is another thing. */
export function isAtLeast({ version }: { readonly version: string }, line: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = line.split(".").map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}
