import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../run.ts";
import type { Mirror } from "./mirrors.ts";

/**
 * apt on lists, caches and settings of its own in one directory: it reads nothing of the system but how to reach the
 * network (`Acquire::…`: proxies, certificates) and the keys, writes nothing of it, and needs no root.
 */
export class PrivateApt {
  readonly #directory: string;
  readonly #signal: AbortSignal | undefined;

  constructor(directory: string, signal: AbortSignal | undefined) {
    this.#directory = directory;
    this.#signal = signal;
  }

  /** Fetches the package lists of one suite. Rejects when the mirror does not have it, or it is not signed as it must be. */
  async update(mirror: Mirror, suite: string, components: readonly string[]): Promise<void> {
    const root = this.#directory;
    for (const name of ["lists/partial", "cache/archives/partial", "empty", "sources", "log"]) {
      await mkdir(join(root, name), { recursive: true });
    }
    const settings = await this.#networkSettings();
    await writeFile(join(root, "status"), "");
    await writeFile(join(root, "apt.conf"), `${settings}${ownSettings(root)}`);
    await writeFile(
      join(root, "sources", "mirror.sources"),
      `Types: deb\nURIs: ${mirror.uri}\nSuites: ${suite}\nComponents: ${components.join(" ")}\n${mirror.trust}`,
    );
    await this.#run("apt-get", ["update", "-q"]);
  }

  /** The newest version of a package in the lists, `undefined` when they do not have it. */
  async candidate(name: string): Promise<string | undefined> {
    const said = await this.#run("apt-cache", ["policy", name]);
    const version = /Candidate: (\S+)/.exec(said)?.[1];
    return version === "(none)" ? undefined : version;
  }

  /** The codename of the suite, as its signed release file says it. */
  async codename(): Promise<string | undefined> {
    const lists = join(this.#directory, "lists");
    const release = (await readdir(lists)).find((name) => name.endsWith("Release"));
    if (release === undefined) return undefined;
    return /^Codename: (\S+)/m.exec(await readFile(join(lists, release), "utf8"))?.[1];
  }

  /** Downloads a package, its checksum checked by apt, and unpacks it into `target` without installing it. */
  async unpack(name: string, target: string): Promise<void> {
    const downloads = join(this.#directory, "downloads", name);
    await mkdir(downloads, { recursive: true });
    await this.#run("apt-get", ["download", "-q", name], downloads);
    for (const file of await readdir(downloads))
      await this.#run("dpkg-deb", ["-x", join(downloads, file), target]);
  }

  async #networkSettings(): Promise<string> {
    const lines = (await run("apt-config", ["dump"], { signal: this.#signal })).split("\n");
    return lines
      .filter((line) => line.startsWith("Acquire::") && !/::(IndexTargets|Languages)/.test(line))
      .join("\n");
  }

  #run(command: string, args: readonly string[], cwd: string = this.#directory): Promise<string> {
    const env = { ...process.env, LC_ALL: "C", APT_CONFIG: join(this.#directory, "apt.conf") };
    return run(command, args, { cwd, env, signal: this.#signal });
  }
}

function ownSettings(root: string): string {
  const settings = {
    "Dir::Etc::main": "/dev/null",
    "Dir::Etc::parts": `${root}/empty`,
    "Dir::Etc::sourcelist": "/dev/null",
    "Dir::Etc::sourceparts": `${root}/sources`,
    "Dir::Etc::preferences": "/dev/null",
    "Dir::Etc::preferencesparts": `${root}/empty`,
    "Dir::State": root,
    "Dir::State::lists": `${root}/lists`,
    "Dir::State::status": `${root}/status`,
    "Dir::Cache": `${root}/cache`,
    "Dir::Log": `${root}/log`,
    // Root's apt drops its rights to a user who may not be able to read our directory.
    "APT::Sandbox::User": "root",
    "Acquire::Languages": "none",
    "Acquire::Retries": "1",
    "Acquire::http::Timeout": "10",
    "Acquire::https::Timeout": "10",
  };
  return `\n${Object.entries(settings)
    .map(([name, value]) => `${name} "${value}";`)
    .join("\n")}\n`;
}
