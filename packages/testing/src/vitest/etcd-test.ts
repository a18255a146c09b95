import { test, type TestAPI } from "vitest";
import { EmbeddedEtcd } from "../embedded/embedded-etcd.ts";
import { newNamespace } from "./namespace.ts";
import { OneEtcd } from "./one-etcd.ts";
import { checkEtcdTestOptions, type EtcdTestOptions } from "./options.ts";
import type { EtcdFixtures, TestEtcd } from "./test-etcd.ts";

/** What stands behind {@link EtcdFixtures}. A function alone would be taken for a fixture, so that `use` is in an object. */
interface Inner<Server extends TestEtcd> extends EtcdFixtures<Server> {
  readonly etcdSource: { readonly use: (work: (etcd: Server) => Promise<void>) => Promise<void> };
  readonly etcdServer: Server;
}

type EtcdTest<Server> = TestAPI<EtcdFixtures<Server>>;

/**
 * Vitest's `test` with two fixtures: `etcd`, which is started when the first test asks for it and closed after the last,
 * and `namespace`, a fresh one for each test. Call it at the top of a file, since Vitest takes nothing that lasts for a file in a
 * `describe`; `extend` it with what your tests need.
 * @example
 * const test = etcdTest();
 * test("counts", async ({ etcd, namespace }) => {
 *   await using client = new EtcdClient({ endpoints: etcd.endpoints, namespace });
 * });
 * @throws TypeError for an option that is unknown or wrong
 */
export function etcdTest<Server extends TestEtcd = EmbeddedEtcd>(
  options: EtcdTestOptions<Server> = {},
): EtcdTest<Server> {
  checkEtcdTestOptions(options);
  // Where no `start` says otherwise, `Server` is its default.
  const { start = startEmbedded as unknown as () => Promise<Server>, per = "file" } = options;
  const shared = new OneEtcd(start);
  const use: OneEtcd<Server>["use"] = async (work) =>
    (per === "file" ? shared : new OneEtcd(start)).use(work);
  return test.extend<Inner<Server>>({
    etcdSource: [{ use }, { scope: per }],
    etcdServer: [async ({ etcdSource }, give) => etcdSource.use(give), { scope: per }],
    etcd: async ({ etcdServer }, give) => {
      try {
        await give(etcdServer);
      } finally {
        etcdServer.heal?.();
      }
    },
    namespace: async ({ task }, give) => {
      await give(newNamespace(task.name));
    },
  }) as EtcdTest<Server>;
}

async function startEmbedded(): Promise<EmbeddedEtcd> {
  return EmbeddedEtcd.start();
}
