import { EtcdClient } from "@quorumkit/core";
import { startEtcd } from "@quorumkit/testing";
import { expect, it } from "vitest";
import { answerOf } from "./support/answer-of.ts";
import { feedEtcdctl } from "./support/etcdctl-process.ts";
import { asRoot, createUser, enableAuth, ROOT } from "./support/users.ts";

const ANN = { username: "ann", password: "Battery-Staple-1804" };
const NEXT_PASSWORD = "Battery-Staple-1805";

it("users, roles and permissions made by us hold for etcdctl, and etcdctl can turn authentication off again", async () => {
  await using server = await startEtcd();
  await using before = new EtcdClient({ endpoints: server.endpoints });
  await before.auth.userAdd(ROOT.username, { password: ROOT.password });
  await before.auth.roleAdd("root");
  await before.auth.userGrantRole(ROOT.username, "root");
  await before.auth.userAdd(ANN.username, { password: ANN.password });
  await before.auth.roleAdd("team");
  await before.auth.roleGrantPermission("team", { prefix: "team/" }, "readwrite");
  await before.auth.roleGrantPermission("team", "shared", "read");
  await before.auth.userGrantRole(ANN.username, "team");
  await before.put("shared", "1");
  await before.auth.enable();

  const asAnn = async (...args: readonly string[]): Promise<string> =>
    server.etcdctl([`--user=${ANN.username}:${ANN.password}`, ...args]);
  expect(await asAnn("put", "team/a", "2")).toBe("OK\n");
  expect(await asAnn("get", "team/", "--prefix", "--print-value-only")).toBe("2\n");
  expect(await asAnn("get", "shared", "--print-value-only")).toBe("1\n");
  await expect(asAnn("put", "shared", "2")).rejects.toThrow(/permission denied/);
  await expect(asAnn("get", "elsewhere")).rejects.toThrow(/permission denied/);
  await expect(server.etcdctl(["get", "team/a"])).rejects.toThrow(/user name is empty/);
  await expect(server.etcdctl(["--user=ann:wrong", "get", "team/a"])).rejects.toThrow(
    /authentication failed|invalid user ID or password/,
  );

  expect((await asRoot(server, "user", "list")).trim().split("\n").toSorted()).toEqual(["ann", "root"]);
  const role = await asRoot(server, "role", "get", "team");
  const [read, write] = role.split("KV Write:").map((part) => part.split("\n").map((line) => line.trim()));
  expect(read).toEqual(expect.arrayContaining(["[team/, team0) (prefix team/)", "shared"]));
  expect(write).toContain("[team/, team0) (prefix team/)");
  expect(write).not.toContain("shared");
  await asRoot(server, "auth", "disable");
  expect(await answerOf(before.put("elsewhere", "3"))).toBe("ok");
});

it("users, roles and permissions made by etcdctl hold for us, as does what it changes while we run", async () => {
  await using server = await startEtcd();
  await enableAuth(server);
  await createUser(server, ANN.username, ANN.password);
  await using root = new EtcdClient({ endpoints: server.endpoints, auth: ROOT });
  await using ann = new EtcdClient({ endpoints: server.endpoints, auth: ANN });

  await ann.put("ann/a", "1");
  expect((await ann.get("ann/a"))?.text()).toBe("1");
  expect(await answerOf(ann.get("elsewhere"))).toBe("PERMISSION_DENIED");
  expect(await answerOf(ann.range({ prefix: "ann" }))).toBe("PERMISSION_DENIED");
  expect(await answerOf(ann.auth.userAdd("ben", { password: "x" }))).toBe("PERMISSION_DENIED");
  expect((await root.auth.userList()).toSorted()).toEqual(["ann", "root"]);
  expect(await root.auth.userGet("ann")).toEqual({ name: "ann", roles: ["ann"] });
  const { permissions } = await root.auth.roleGet("ann");
  expect(permissions).toEqual([{ access: "readwrite", range: { prefix: Buffer.from("ann/") } }]);

  await asRoot(server, "role", "grant-permission", "ann", "read", "elsewhere");
  expect(await answerOf(ann.get("elsewhere"))).toBe("ok");
  await asRoot(server, "role", "revoke-permission", "ann", "elsewhere");
  expect(await answerOf(ann.get("elsewhere"))).toBe("PERMISSION_DENIED");

  const passwd = [`--user=${ROOT.username}:${ROOT.password}`, "user", "passwd", "--interactive=false", "ann"];
  await feedEtcdctl(server, passwd, `${NEXT_PASSWORD}\n`);
  await using late = new EtcdClient({ endpoints: server.endpoints, auth: ANN });
  expect(await answerOf(late.get("ann/a"))).toBe("UNAUTHENTICATED");
  await using renewed = new EtcdClient({
    endpoints: server.endpoints,
    auth: { ...ANN, password: NEXT_PASSWORD },
  });
  expect((await renewed.get("ann/a"))?.text()).toBe("1");

  // And a password that we change holds for etcdctl.
  await root.auth.userChangePassword("ann", ANN.password);
  expect(await server.etcdctl([`--user=ann:${ANN.password}`, "put", "ann/a", "2"])).toBe("OK\n");
});
