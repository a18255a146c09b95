import { expect, test, vi } from "vitest";
import { startEtcd } from "../../src/index.ts";
import { cacheDirectory } from "../../src/binary/cache.ts";
import { debianSource } from "../../src/binary/debian/debian.ts";
import { fromDeb822, fromOneLineStyle } from "../../src/binary/debian/mirrors.ts";
import { isFound } from "../../src/binary/source.ts";
import { temporaryDirectory } from "../support/temporary.ts";

test("source lines in one-line style are read with how they are trusted", () => {
  const text = `
# deb http://old/debian buster main
deb [arch=amd64 signed-by=/keys/a.gpg,/keys/b.gpg] http://deb.debian.org/debian trixie main contrib # mirror
deb-src http://deb.debian.org/debian trixie main
deb http://archive.ubuntu.com/ubuntu noble main universe
`;
  expect(fromOneLineStyle(text)).toEqual([
    {
      uri: "http://deb.debian.org/debian",
      suites: ["trixie"],
      components: ["main", "contrib"],
      trust: "Signed-By: /keys/a.gpg /keys/b.gpg\n",
    },
    {
      uri: "http://archive.ubuntu.com/ubuntu",
      suites: ["noble"],
      components: ["main", "universe"],
      trust: "",
    },
  ]);
});

test("deb822 stanzas are read, keys of several lines too, and disabled ones are not", () => {
  const text = `Types: deb deb-src
# a comment
URIs: http://one/debian http://two/debian
Suites: trixie trixie-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc

Types: deb
URIs: http://off/debian
Suites: sid
Components: main
Enabled: no

Types: deb-src
URIs: http://source/debian
Suites: sid
Components: main
`;
  const common = {
    suites: ["trixie", "trixie-updates"],
    components: ["main"],
    trust: "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n",
  };
  expect(fromDeb822(text)).toEqual([
    { uri: "http://one/debian", ...common },
    { uri: "http://two/debian", ...common },
  ]);
});

/** What may come out of a machine that is not of the family, or has no mirror in reach: that is its matter, not ours. */
const NO_PACKAGE =
  /not a system of the Debian family|Could not (connect|resolve)|Temporary failure|timed out|no mirror/i;

test("the distribution's package runs from an empty cache, or it is said why there is none", async () => {
  vi.stubEnv("QUORUMKIT_CACHE", await temporaryDirectory());
  const result = await debianSource.find({ version: undefined, signal: undefined });
  if (!isFound(result)) return expectReason(result.reason);
  const { version, origin, path } = result;
  expect(origin).toMatch(/^the Debian package \([a-z]+\)$/);
  expect(path.startsWith(cacheDirectory())).toBe(true);
  await using etcd = await startEtcd({ source: ["cache"], version });
  expect(etcd.version).toBe(version);
  expect(await etcd.etcdctl(["put", "a", "b"])).toBe("OK\n");
}, 120_000);

function expectReason(reason: string): void {
  expect(reason).toMatch(NO_PACKAGE);
}
