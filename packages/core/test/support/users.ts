import type { EtcdServer } from "@quorumkit/testing";
import { expect } from "vitest";
import { rpcsHandled } from "./rpc-count.ts";

/** The password is not like anything else, so that a trace of it can be looked for. */
export const ROOT: { readonly username: string; readonly password: string } = {
  username: "root",
  password: "Correct-Horse-7391",
};

/** Turns authentication on, with the user `root`. */
export async function enableAuth(server: EtcdServer): Promise<void> {
  await server.etcdctl(["user", "add", `${ROOT.username}:${ROOT.password}`]);
  await server.etcdctl(["user", "grant-role", "root", "root"]);
  await server.etcdctl(["auth", "enable"]);
}

/** Runs etcdctl as `root`. */
export async function asRoot(server: EtcdServer, ...args: readonly string[]): Promise<string> {
  return server.etcdctl([`--user=${ROOT.username}:${ROOT.password}`, ...args]);
}

/** A user who may read and write the keys that begin with its name and a slash, by a role of the same name. */
export async function createUser(server: EtcdServer, name: string, password: string): Promise<void> {
  await asRoot(server, "user", "add", `${name}:${password}`);
  const roles = await asRoot(server, "role", "list");
  if (!roles.split("\n").includes(name)) {
    await asRoot(server, "role", "add", name);
    await asRoot(server, "role", "grant-permission", name, "--prefix=true", "readwrite", `${name}/`);
  }
  await asRoot(server, "user", "grant-role", name, name);
}

/** How many logins the server has handled, whatever its answers were. */
export async function loginCount(server: EtcdServer): Promise<number> {
  return rpcsHandled(server, "Authenticate");
}

/** Waits until the server has let go of all tokens that were handed out, which it does as they expire. */
export async function tokenGone(server: EtcdServer): Promise<void> {
  // Every member keeps the tokens.
  const logins = (await loginCount(server)) * server.endpoints.length;
  const deleted = (): number => server.logs().split("deleted a simple token").length - 1;
  await expect.poll(deleted, { timeout: 20_000, interval: 50 }).toBeGreaterThanOrEqual(logins);
}
