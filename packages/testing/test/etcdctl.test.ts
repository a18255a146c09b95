import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { findEtcdctl, startEtcd } from "../src/index.ts";
import { get } from "./support/kv.ts";

test("etcdctl of the same version works on a started etcd, also spawned by its path", async () => {
  await using etcd = await startEtcd();
  expect(await etcd.etcdctl(["put", "by", "etcdctl"])).toBe("OK\n");
  expect(await get(etcd.endpoint, "by")).toBe("etcdctl");
  await expect(etcd.etcdctl(["no-such-command"])).rejects.toThrow(/unknown command/);

  const path = await findEtcdctl(etcd.version);
  const { stdout } = await promisify(execFile)(path, ["version"], {
    env: { ...process.env, ETCDCTL_API: "3" },
  });
  expect(stdout).toContain(`etcdctl version: ${etcd.version}`);
});
