import { expect, test } from "vitest";
import { openCenter, sharedEtcd, store } from "./support.ts";

const shared = sharedEtcd();

test("a center in a namespace reads, follows and publishes there", async () => {
  const prefix = shared.prefix();
  const inside = shared.etcd.namespace("app/");
  await store(shared.etcd, prefix, { "global/database": { host: "outside" } });
  await store(inside, prefix, { "global/database": { host: "inside" } });
  const center = await openCenter(inside, prefix);
  expect(center.get("database").host).toBe("inside");
  await store(shared.etcd, `app/${prefix}`, { "global/database": { host: "changed" } });
  await expect.poll(() => center.get("database").host, { timeout: 15_000 }).toBe("changed");
  await center.publish("database", { poolSize: 20 }, { layer: "env/prod" });
  expect((await shared.etcd.get(`app/${prefix}/env/prod/database`))?.text()).toBe('{"poolSize":20}');
  expect(center.stored("database", "env/prod").key).toBe(`${prefix}/env/prod/database`);
});
