import { readFile } from "node:fs/promises";

/** Debian's roles of suites, newest first. They stay the same when releases come and go; mirrors know them by these names. */
const DEBIAN_SUITES = ["unstable", "testing", "stable", "oldstable", "oldoldstable"];

/** Debian's names for the same suites, so that a source line that uses either is recognised. */
const DEBIAN_CODENAMES = ["sid", "forky", "trixie", "bookworm", "bullseye"];

/** Ubuntu's releases with etcd-server, newest first; used where the system has no list of its own (distro-info-data). */
const UBUNTU_CODENAMES = ["resolute", "questing", "noble", "jammy", "focal"];

/** What a system's suites are called. */
export interface SuiteNames {
  /** What to try, newest first. */
  readonly newestFirst: readonly string[];
  /** Names by which a source line is recognised as one of the distribution. */
  readonly own: readonly string[];
  readonly components: readonly string[];
}

/** The suites of this system's distribution; `undefined` when it is not of Debian's family. */
export async function suiteNames(): Promise<SuiteNames | undefined> {
  const release = await readFile("/etc/os-release", "utf8").catch(() => "");
  const field = (name: string): string => new RegExp(`^${name}="?([^"\n]*)"?`, "m").exec(release)?.[1] ?? "";
  const family = `${field("ID")} ${field("ID_LIKE")}`.split(" ");
  const current = [field("VERSION_CODENAME"), field("UBUNTU_CODENAME")].filter((name) => name !== "");
  if (family.includes("ubuntu")) {
    const listed = await readFile("/usr/share/distro-info/ubuntu.csv", "utf8").catch(() => "");
    const codenames = new Set([...ubuntuCodenames(listed), ...UBUNTU_CODENAMES]);
    return {
      newestFirst: ["devel", ...codenames],
      own: [...codenames, ...current],
      components: ["main", "universe"],
    };
  }
  if (family.includes("debian")) {
    return {
      newestFirst: DEBIAN_SUITES,
      own: [...DEBIAN_SUITES, ...DEBIAN_CODENAMES, ...current],
      components: ["main"],
    };
  }
  return undefined;
}

/** The codenames (third column, oldest first) of distro-info's table, newest first; no older than what has etcd-server. */
function ubuntuCodenames(csv: string): string[] {
  const names = csv
    .split("\n")
    .slice(1)
    .map((line) => line.split(",")[2] ?? "");
  return names
    .slice(Math.max(0, names.indexOf("focal")))
    .filter((name) => name !== "")
    .reverse();
}
