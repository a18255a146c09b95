import { checkEach, type OptionCheck } from "../check-options.ts";
import type { TestEtcd } from "./test-etcd.ts";

/** How tests get their etcd. */
export interface EtcdTestOptions<Server extends TestEtcd> {
  /**
   * Starts the etcd, such as `() => startEtcd()` for a real one or `() => EmbeddedEtcd.start({ members: 3 })`.
   * Default: `EmbeddedEtcd.start()`.
   */
  readonly start?: () => Promise<Server>;
  /**
   * `"file"`: one for all tests of a file, its faults taken back after each test. `"test"`: one for each test, for tests that run
   * concurrently or do what cannot be taken back, such as a roll back. Default "file".
   */
  readonly per?: "file" | "test";
}

/** How a shared etcd is started. */
export interface ShareEtcdOptions {
  /** Starts the etcd, in Vitest's main process. Default: `EmbeddedEtcd.start()`. */
  readonly start?: () => Promise<TestEtcd>;
}

const isStart: OptionCheck = (value) =>
  typeof value === "function" ? undefined : "a function that starts an etcd";

const ETCD_TEST_CHECKS: Readonly<Record<string, OptionCheck>> = {
  start: isStart,
  per: (value) => (value === "file" || value === "test" ? undefined : '"file" or "test"'),
};

/** @throws TypeError naming the first option that is unknown or wrong. */
export function checkEtcdTestOptions(options: object): void {
  checkEach(options, ETCD_TEST_CHECKS, "etcdTest");
}

/** @throws TypeError naming the first option that is unknown or wrong. */
export function checkShareOptions(options: object): void {
  checkEach(options, { start: isStart }, "shareEtcd");
}
