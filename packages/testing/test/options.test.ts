import { expect, test } from "vitest";
import { startEtcd, startEtcdCluster, type StartEtcdOptions } from "../src/index.ts";

test.each<[unknown, RegExp]>([
  [{ verison: "3.5" }, /Unknown option "verison"; known are version, source/],
  [{ version: 3.5 }, /option "version" to be a version from 3.4 on, such as "3.5" or "3.5.16", got 3.5/],
  [{ version: "v3.5" }, /option "version" .* got "v3.5"/],
  [{ version: "3.3" }, /option "version" .* got "3.3"/],
  [{ source: [] }, /option "source" to be a non-empty array of "env", .* got \[\]/],
  [{ source: ["docker"] }, /option "source" .* got \["docker"\]/],
  [{ args: "--debug" }, /option "args" to be an array of strings, got "--debug"/],
  [{ env: { A: 1 } }, /option "env" to be an object of strings/],
  [{ fsync: 1 }, /option "fsync" to be a boolean, got 1/],
  [{ quiet: "yes" }, /option "quiet" to be a boolean, got "yes"/],
  [{ signal: {} }, /option "signal" to be an AbortSignal/],
  [{ startTimeoutMs: 0 }, /option "startTimeoutMs" to be a number above 0, got 0/],
  ["3.5", /Expected options to be an object, got "3.5"/],
])("%j is refused by name", async (options, message) => {
  const starting = startEtcd(options as StartEtcdOptions);
  await expect(starting).rejects.toThrow(TypeError);
  await expect(starting).rejects.toThrow(message);
  await expect(startEtcdCluster(3, options as StartEtcdOptions)).rejects.toThrow(message);
});

test.each([0, 10, 1.5, "3"])("a cluster of %j is refused", async (size) => {
  await expect(startEtcdCluster(size as number)).rejects.toThrow(/size to be a whole number from 1 to 9/);
});
