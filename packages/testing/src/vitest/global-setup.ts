import { EmbeddedEtcd } from "../embedded/embedded-etcd.ts";
import { checkShareOptions, type ShareEtcdOptions } from "./options.ts";
import { SHARED_ETCD, type SharedEtcd } from "./shared-etcd.ts";

// An entry of its own: Vitest's main process, where this runs, cannot import "vitest" in every release of it.

export type { ShareEtcdOptions } from "./options.ts";
export type { SharedEtcd } from "./shared-etcd.ts";
export type { TestEtcd } from "./test-etcd.ts";

/** What Vitest hands to a `globalSetup`, as far as it is needed. */
export interface SharingProject {
  provide(key: typeof SHARED_ETCD, value: SharedEtcd): void;
}

/** A `globalSetup`: Vitest calls it before the first file, and what it returns after the last. */
export type GlobalSetup = (project: SharingProject) => Promise<() => Promise<void>>;

/**
 * A `globalSetup` for Vitest that starts one etcd for all files, for `sharedEtcdTest`.
 * @example
 * // test/global-setup.ts, which `globalSetup` in vitest.config.ts names
 * export default shareEtcd({ start: () => startEtcd() });
 * @throws TypeError for an option that is unknown or wrong
 */
export function shareEtcd(options: ShareEtcdOptions = {}): GlobalSetup {
  checkShareOptions(options);
  const { start = async () => EmbeddedEtcd.start() } = options;
  return async (project) => {
    const etcd = await start();
    const endpoints = [...etcd.endpoints];
    project.provide(SHARED_ETCD, { endpoint: endpoints[0] ?? "", endpoints });
    return async () => etcd.close();
  };
}

/** {@link shareEtcd} with its defaults, so that `globalSetup: "@quorumkit/testing/vitest-global-setup"` is all it takes. */
export const setup: GlobalSetup = shareEtcd();
