import { join } from "node:path";
import { beforeEach, expect, test, vi } from "vitest";
import { EtcdUnavailableError, findEtcd, startEtcd } from "../../src/index.ts";
import { findBinary } from "../../src/binary/find.ts";
import { writeFakeEtcd } from "../support/fake-etcd.ts";
import { temporaryDirectory } from "../support/temporary.ts";

beforeEach(() => {
  vi.stubEnv("ETCD_BIN", undefined);
});

test("ETCD_BIN comes first", async () => {
  const directory = await temporaryDirectory();
  const path = await writeFakeEtcd(join(directory, "mine"), "3.5.99");
  vi.stubEnv("ETCD_BIN", path);
  expect(await findBinary(undefined)).toEqual({ found: { path, version: "3.5.99", origin: "ETCD_BIN" } });
  expect(await findBinary("3.5")).toHaveProperty("found.path", path);
  expect(await findEtcd("3.5.99")).toBe(path);
  await expect(findEtcd("3.6")).rejects.toThrow(/an etcd 3.5.99, but version 3.6 was asked for/);
  await expect(findEtcd("3")).rejects.toThrow(/Expected version to be a version from 3.4 on.*got "3"/);
});

test("an ETCD_BIN that cannot be used, or has another version, is an error even where other sources have one", async () => {
  const directory = await temporaryDirectory();
  vi.stubEnv("ETCD_BIN", join(directory, "missing"));
  await expect(startEtcd()).rejects.toThrow(
    /ETCD_BIN is ".*missing", which cannot be used: there is no program/,
  );
  vi.stubEnv("ETCD_BIN", "/bin/echo");
  await expect(startEtcd()).rejects.toThrow(
    /ETCD_BIN is "\/bin\/echo", which cannot be used: .*does not answer with a version/,
  );
  vi.stubEnv("ETCD_BIN", await writeFakeEtcd(join(directory, "old"), "3.4.1"));
  await expect(startEtcd({ version: "3.5" })).rejects.toThrow(/an etcd 3.4.1, but version 3.5 was asked for/);
});

test("the first etcd on PATH that fits is taken", async () => {
  const directory = await temporaryDirectory();
  const [broken, old, recent] = ["broken", "old", "recent"].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  await writeFakeEtcd(join(broken, "etcd"), '"; exit 1; "');
  await writeFakeEtcd(join(old, "etcd"), "3.4.2");
  await writeFakeEtcd(join(recent, "etcd"), "3.5.2");
  vi.stubEnv("PATH", `${directory}/none:${broken}:${old}:${recent}`);
  const only = ["env", "path"] as const;
  expect(await findBinary(undefined, only)).toHaveProperty("found", {
    path: join(old, "etcd"),
    version: "3.4.2",
    origin: "PATH",
  });
  expect(await findBinary("3.5", only)).toHaveProperty("found.path", join(recent, "etcd"));
  expect(await findBinary("3.6", only)).toMatchObject({
    attempts: [
      { source: "env", reason: "ETCD_BIN is not set" },
      { source: "path", reason: expect.stringContaining("is 3.4.2") as string },
    ],
  });
});

test("when nothing has an etcd, one error lists what was tried, why it failed, and what to do", async () => {
  const directory = await temporaryDirectory();
  vi.stubEnv("PATH", directory);
  vi.stubEnv("QUORUMKIT_CACHE", directory);
  // Nothing listens on port 1, and an address of this machine refuses at once.
  vi.stubEnv("QUORUMKIT_ETCD_RELEASES", "http://127.0.0.1:1/releases");
  vi.stubEnv("DOCKER_HOST", "tcp://127.0.0.1:1");
  const error: unknown = await startEtcd({ version: "3.5" }).catch((reason: unknown) => reason);
  if (!(error instanceof EtcdUnavailableError))
    throw new Error("expected an EtcdUnavailableError", { cause: error });
  expect(error.attempts.map(({ source }) => source)).toEqual([
    "env",
    "path",
    "cache",
    "release",
    "debian",
    "container",
  ]);
  expect(error.attempts.every(({ reason }) => reason.length > 0)).toBe(true);
  expect(error.message).toMatch(/^No etcd 3\.5 can be had on this machine/);
  for (const part of [
    "ETCD_BIN is not set",
    "no etcd on PATH",
    "has nothing",
    "127.0.0.1:1 cannot be reached",
    "set ETCD_BIN to",
    "start Docker",
  ]) {
    expect(error.message).toContain(part);
  }
});

test("only the sources that are named are asked, in the fixed order", async () => {
  const directory = await temporaryDirectory();
  vi.stubEnv("PATH", directory);
  vi.stubEnv("QUORUMKIT_CACHE", directory);
  const starting = startEtcd({ source: ["cache", "path"] });
  await expect(starting).rejects.toMatchObject({ attempts: [{ source: "path" }, { source: "cache" }] });
});

test("a cache that cannot be written is a reason like any other", async () => {
  vi.stubEnv("PATH", await temporaryDirectory());
  vi.stubEnv("QUORUMKIT_CACHE", "/dev/null/cache");
  vi.stubEnv("QUORUMKIT_ETCD_RELEASES", "http://127.0.0.1:1");
  const starting = startEtcd({ source: ["cache", "release", "debian"] });
  await expect(starting).rejects.toMatchObject({
    attempts: [{ source: "cache" }, { source: "release" }, { source: "debian" }],
  });
});
