import { inject, test, type TestAPI } from "vitest";
import { newNamespace } from "./namespace.ts";
import { SHARED_ETCD, type SharedEtcd } from "./shared-etcd.ts";
import type { EtcdFixtures } from "./test-etcd.ts";

/**
 * Vitest's `test` with the fixtures of `etcdTest`, on the etcd that a `globalSetup` made by `shareEtcd` has started. It is in
 * another process, and other files use it at the same time: there is nothing to break it with.
 * @throws Error in a test that asks for `etcd` when nothing was shared
 */
export function sharedEtcdTest(): TestAPI<EtcdFixtures<SharedEtcd>> {
  return test.extend<EtcdFixtures<SharedEtcd>>({
    namespace: async ({ task }, use) => {
      await use(newNamespace(task.name));
    },
    etcd: async ({ task }, use) => {
      const shared = inject(SHARED_ETCD);
      if (shared === undefined) {
        throw new Error(
          `"${task.name}" wants a shared etcd, and there is none: set globalSetup to "@quorumkit/testing/vitest-global-setup" in vitest.config`,
        );
      }
      await use(shared);
    },
  });
}
