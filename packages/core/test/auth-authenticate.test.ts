import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { inspect } from "node:util";
import { DIAGNOSTICS, EtcdClient } from "@quorumkit/core";
import { type EtcdServer, startEtcd } from "@quorumkit/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createUser, enableAuth, loginCount, ROOT } from "./support/users.ts";

const PASSWORD = "Ann's-Own-Password-2468";

let server: EtcdServer;
let anybody: EtcdClient;
beforeAll(async () => {
  server = await startEtcd();
  anybody = new EtcdClient({ endpoints: server.endpoints });
});
afterAll(async () => {
  await anybody.close();
  await server.close();
});

describe("authenticate", () => {
  it("is FAILED_PRECONDITION while authentication is not enabled", async () => {
    await expect(anybody.auth.authenticate("root", ROOT.password)).rejects.toMatchObject({
      code: "FAILED_PRECONDITION",
    });
  });

  it("gives a token that other clients get in with, and asks for it once", async () => {
    await enableAuth(server);
    await createUser(server, "ann", PASSWORD);
    const logins = await loginCount(server);
    const token = await anybody.auth.authenticate("ann", PASSWORD);
    expect(await loginCount(server)).toBe(logins + 1);
    await using ann = new EtcdClient({ endpoints: server.endpoints, auth: { token } });
    await ann.put("ann/key", "1");
    await expect(ann.put("bob/key", "1")).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
    // The client that asked is nobody still.
    await expect(anybody.get("ann/key")).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });

  it("refuses what is wrong, and shows neither password nor token", async () => {
    const heard: unknown[] = [];
    const listener = (message: unknown): void => void heard.push(message);
    const names = Object.values(DIAGNOSTICS).flatMap((name) => [
      name,
      ...["start", "end", "asyncStart", "asyncEnd", "error"].map((event) => `tracing:${name}:${event}`),
    ]);
    for (const name of names) subscribe(name, listener);
    const secrets = [PASSWORD, await anybody.auth.authenticate("ann", PASSWORD)];
    const logins = await loginCount(server);
    for (const attempt of [
      async () => anybody.auth.authenticate("ann", `${PASSWORD}!`),
      async () => anybody.auth.authenticate("nobody", PASSWORD),
    ]) {
      const error: unknown = await attempt().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: "UNAUTHENTICATED" });
      heard.push(error);
    }
    expect(await loginCount(server)).toBe(logins + 2);
    for (const wrong of [
      async () => anybody.auth.authenticate("", PASSWORD),
      async () => anybody.auth.authenticate("ann", ""),
      async () => anybody.auth.authenticate("ann", { password: PASSWORD } as unknown as string),
      async () => anybody.auth.authenticate("ann", PASSWORD, { timeout: 1 } as object),
    ]) {
      const error: unknown = await wrong().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(TypeError);
      heard.push(error);
    }
    for (const name of names) unsubscribe(name, listener);
    expect(heard.length).toBeGreaterThan(10);
    const text = heard
      .map((each) => inspect(each, { depth: Infinity, showHidden: true, getters: true }))
      .join();
    for (const secret of secrets) expect(text).not.toContain(secret);
  });
});
