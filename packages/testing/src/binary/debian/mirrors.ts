import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** A package mirror that the system trusts, as its own apt sources name it. */
export interface Mirror {
  readonly uri: string;
  readonly suites: readonly string[];
  readonly components: readonly string[];
  /** Further deb822 fields that say how it is trusted (`Signed-By`, `Trusted`), verbatim. */
  readonly trust: string;
}

/** The mirrors in `sources.list` and `sources.list.d`, those of the distribution itself first. */
export async function systemMirrors(directory = "/etc/apt"): Promise<Mirror[]> {
  const parts = await readdir(join(directory, "sources.list.d")).catch(() => []);
  const files = ["sources.list", ...parts.toSorted(byName).map((name) => join("sources.list.d", name))];
  const mirrors: Mirror[] = [];
  for (const file of files) {
    const text = await readFile(join(directory, file), "utf8").catch(() => "");
    if (file.endsWith(".list")) mirrors.push(...fromOneLineStyle(text));
    else if (file.endsWith(".sources")) mirrors.push(...fromDeb822(text));
  }
  const fetchable = mirrors.filter(({ uri }) => !/^(cdrom|file|copy):/.test(uri));
  return fetchable.toSorted((a, b) => Number(isDistribution(b)) - Number(isDistribution(a)));
}

function byName(a: string, b: string): number {
  return a < b ? -1 : 1;
}

function isDistribution({ uri }: Mirror): boolean {
  return /\/(debian|ubuntu|ubuntu-ports|raspbian)\/?$/.test(uri);
}

/** `deb [signed-by=/a,/b] http://host/debian bookworm main` */
export function fromOneLineStyle(text: string): Mirror[] {
  return text.split("\n").flatMap((line) => {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]+)/.exec(line);
    if (match === null) return [];
    const [, options = "", uri = "", suite = "", components = ""] = match;
    const signedBy = /(?:^|\s)signed-by=(\S+)/i.exec(options)?.[1]?.replaceAll(",", " ");
    const trusted = /(?:^|\s)trusted=(\S+)/i.exec(options)?.[1];
    const trust = (signedBy ? `Signed-By: ${signedBy}\n` : "") + (trusted ? `Trusted: ${trusted}\n` : "");
    return [{ uri, suites: [suite], components: words(components), trust }];
  });
}

/** The stanzas of a `*.sources` file; a `Signed-By` may hold a whole key over several lines. */
export function fromDeb822(text: string): Mirror[] {
  const stanzas = text.replace(/^#.*\n?/gm, "").split(/\n\s*\n/);
  return stanzas.flatMap((stanza) => {
    const fields = new Map<string, string>();
    for (const [, name = "", value = ""] of stanza.matchAll(/^([A-Za-z-]+):((?:.*)(?:\n[ \t].*)*)/gm)) {
      fields.set(name.toLowerCase(), value);
    }
    const get = (name: string): string[] => words(fields.get(name) ?? "");
    if (!get("types").includes("deb") || /^(no|false|0)$/i.test(get("enabled")[0] ?? "yes")) return [];
    const trust = ["Signed-By", "Trusted"]
      .filter((name) => fields.has(name.toLowerCase()))
      .map((name) => `${name}:${fields.get(name.toLowerCase())}\n`)
      .join("");
    return get("uris").map((uri) => ({ uri, suites: get("suites"), components: get("components"), trust }));
  });
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}
