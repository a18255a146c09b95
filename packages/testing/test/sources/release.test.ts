import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { releaseSource } from "../../src/binary/release/release.ts";
import { cacheSource } from "../../src/binary/cache.ts";
import { writeFakeEtcd } from "../support/fake-etcd.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const VERSION = "3.5.33";
const ARCHITECTURE = process.arch === "x64" ? "amd64" : process.arch;
const NAME = `etcd-v${VERSION}-${process.platform}-${ARCHITECTURE}`;
const ARCHIVE = `${NAME}.${process.platform === "darwin" ? "zip" : "tar.gz"}`;

let server: Server;
let files: Map<string, Buffer>;
let asked: string[];
let cache = "";

beforeEach(async () => {
  const directory = await temporaryDirectory();
  await writeFakeEtcd(join(directory, NAME, "etcd"), VERSION);
  await writeFakeEtcd(join(directory, NAME, "etcdctl"), VERSION);
  // bsdtar picks the format by the name; GNU tar is only asked for tar.gz.
  await promisify(execFile)("tar", [process.platform === "darwin" ? "-acf" : "-czf", ARCHIVE, NAME], {
    cwd: directory,
  });
  const archive = await readFile(join(directory, ARCHIVE));
  const sum = createHash("sha256").update(archive).digest("hex");
  files = new Map([
    [`/mirror/v${VERSION}/${ARCHIVE}`, archive],
    [`/mirror/v${VERSION}/SHA256SUMS`, Buffer.from(`${"0".repeat(64)}  other.tar.gz\n${sum}  ${ARCHIVE}\n`)],
  ]);
  asked = [];
  server = createServer((request, response) => {
    asked.push(request.url ?? "");
    const file = files.get(request.url ?? "");
    response.writeHead(file === undefined ? 404 : 200).end(file);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  vi.stubEnv("QUORUMKIT_ETCD_RELEASES", `http://127.0.0.1:${(server.address() as AddressInfo).port}/mirror/`);
  cache = await temporaryDirectory();
  vi.stubEnv("QUORUMKIT_CACHE", cache);
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function find(version?: string): ReturnType<typeof releaseSource.find> {
  return releaseSource.find({ version, signal: undefined });
}

test("a release whose checksum is right goes into the cache, with its etcdctl", async () => {
  const found = await find("3.5");
  expect(found).toMatchObject({
    version: VERSION,
    origin: expect.stringMatching(/^etcd's release \(127/) as string,
  });
  const { path } = found as { path: string };
  expect(path.startsWith(cache)).toBe(true);
  expect((await readdir(join(path, ".."))).toSorted()).toEqual(["etcd", "etcdctl", "origin.txt"]);
  expect(await readdir(join(path, "..", ".."))).toEqual([VERSION]);
  expect(await cacheSource.find({ version: "3.5", signal: undefined })).toEqual(found);
});

test("without a version the default line is fetched, and becomes what the cache gives without a version", async () => {
  expect(await find()).toHaveProperty("version", VERSION);
  expect(await cacheSource.find({ version: undefined, signal: undefined })).toHaveProperty(
    "version",
    VERSION,
  );
});

test("a release whose checksum is wrong is refused, and leaves nothing", async () => {
  files.set(`/mirror/v${VERSION}/SHA256SUMS`, Buffer.from(`${"a".repeat(64)}  ${ARCHIVE}\n`));
  expect(await find(VERSION)).toHaveProperty(
    "reason",
    expect.stringMatching(/was refused: its SHA-256 is [0-9a-f]{64}, and SHA256SUMS says a{64}/),
  );
  expect(await cacheSource.find({ version: VERSION, signal: undefined })).toHaveProperty("reason");
  expect(await readdir(join(cache, "etcd", `${process.platform}-${process.arch}`))).toEqual([]);
});

test("a release without a checksum is not downloaded", async () => {
  files.set(`/mirror/v${VERSION}/SHA256SUMS`, Buffer.from("nothing\n"));
  expect(await find(VERSION)).toHaveProperty("reason", `the SHA256SUMS of ${VERSION} do not name ${ARCHIVE}`);
  expect(asked).toEqual([`/mirror/v${VERSION}/SHA256SUMS`]);
});

test("a version that is not there, and a line that is not known, say so", async () => {
  expect(await find("3.5.1")).toHaveProperty(
    "reason",
    expect.stringContaining("v3.5.1/SHA256SUMS answers 404"),
  );
  expect(await find("3.99")).toHaveProperty(
    "reason",
    expect.stringContaining("no release of the line 3.99 is known"),
  );
});

test("a server that cannot be reached is asked once", async () => {
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  vi.stubEnv("QUORUMKIT_ETCD_RELEASES", `http://127.0.0.1:${port}`);
  expect(await find()).toHaveProperty(
    "reason",
    expect.stringMatching(/^127\.0\.0\.1:\d+ cannot be reached \(.*ECONNREFUSED/),
  );
  server = createServer((request, response) => {
    asked.push(request.url ?? "");
    response.end();
  }).listen(port, "127.0.0.1");
  await once(server, "listening");
  expect(await find("3.5")).toHaveProperty("reason", expect.stringContaining("cannot be reached"));
  expect(asked).toEqual([]);
});
