import { Client, Metadata, credentials } from "@grpc/grpc-js";
import type { ClientDuplexStream } from "@grpc/grpc-js";
import { rpcs } from "@quorumkit/proto";
import type { WatchRequestInput, WatchResponse } from "@quorumkit/proto";
import { afterEach, beforeEach, expect, test } from "vitest";
import { EmbeddedEtcd } from "../../src/embedded/embedded-etcd.ts";
import { etcdEnvironment } from "../../src/binary/probe.ts";
import { run } from "../../src/binary/run.ts";
import { findEtcdctl } from "../../src/etcdctl.ts";
import { Script, step, type Outcome, type Step } from "./auth-scripts/script.ts";

const TOKEN_TTL_MS = 300_000;
const bytes = (text: string): Buffer => Buffer.from(text);

const enableAuth: readonly Step[] = [
  step("auth", "userAdd", { name: "root", password: "r" }),
  step("auth", "userGrantRole", { user: "root", role: "root" }),
  step("auth", "userAdd", { name: "alice", password: "a" }),
  step("auth", "roleAdd", { name: "reader" }),
  step("auth", "roleGrantPermission", { name: "reader", perm: { key: bytes("a"), rangeEnd: bytes("b") } }),
  step("auth", "userGrantRole", { user: "alice", role: "reader" }),
  step("auth", "authEnable", {}),
  step("auth", "authenticate", { name: "root", password: "r" }),
  step("auth", "authenticate", { name: "alice", password: "a" }),
];
const INVALID_TOKEN: Outcome = { code: "UNAUTHENTICATED", details: "etcdserver: invalid auth token" };
const read = step("kv", "range", { key: bytes("a") }, "alice");

let etcd: EmbeddedEtcd;
/** One for each member. */
let members: Script[];

beforeEach(async () => {
  etcd = await EmbeddedEtcd.start({ members: 2, quiet: true });
  members = etcd.endpoints.map((endpoint) => new Script(endpoint));
});

afterEach(async () => {
  for (const script of members) script.close();
  await etcd.close();
});

function member(index: number): Script {
  const script = members[index];
  if (script === undefined) throw new Error(`no member ${index}`);
  return script;
}

/** Turns authentication on; all members have the tokens. */
async function start(): Promise<void> {
  for (const outcome of await member(0).run(enableAuth)) expect(outcome).toHaveProperty("ok");
  for (const [user, token] of member(0).tokens) member(1).tokens.set(user, token);
}

test("tokens expire by the virtual clock, on each member for itself", async () => {
  await start();
  expect(await member(0).do(read)).toHaveProperty("ok");
  await etcd.advance(TOKEN_TTL_MS - 10_000);
  expect(await member(0).do(read)).toHaveProperty("ok");
  await etcd.advance(10_001);
  expect(await member(0).do(read)).toHaveProperty("ok");
  expect(await member(1).do(read)).toEqual(INVALID_TOKEN);
  await etcd.advance(TOKEN_TTL_MS + 1);
  expect(await member(0).do(read)).toEqual(INVALID_TOKEN);
});

test("a member that starts again has forgotten the tokens, but not the users", async () => {
  await start();
  await etcd.members[0]?.restart();
  await expect.poll(() => member(0).do(read)).toEqual(INVALID_TOKEN);
  expect(await member(1).do(read)).toHaveProperty("ok");
  expect(await member(0).do(step("auth", "authenticate", { name: "alice", password: "a" }))).toHaveProperty(
    "ok",
  );
  expect(await member(0).do(read)).toHaveProperty("ok");
});

test("a restart without data leaves no users", async () => {
  await start();
  await etcd.restart({ keepData: false });
  const authStatus = step("auth", "authStatus", {});
  await expect.poll(() => member(0).do(authStatus)).toEqual({ ok: { enabled: false, authRevision: "1" } });
  expect(await member(0).do(step("auth", "userList", {}))).toEqual({ ok: { users: [] } });
});

test("an open watch goes on when its stream's token has expired; a new one on the stream is refused", async () => {
  await start();
  const { stream, next, close } = openWatch(etcd.endpoint, member(0).tokens.get("alice") ?? "");
  try {
    stream.write({ createRequest: { key: bytes("a") } });
    expect(await next()).toMatchObject({ created: true, canceled: false });
    await etcd.advance(TOKEN_TTL_MS + 1);
    stream.write({ createRequest: { key: bytes("a") } });
    expect(await next()).toMatchObject({
      created: true,
      canceled: true,
      watchId: -1n,
      cancelReason: "rpc error: code = Unauthenticated desc = etcdserver: invalid auth token",
    });
    await member(0).run([
      step("auth", "authenticate", { name: "root", password: "r" }),
      step("kv", "put", { key: bytes("a"), value: bytes("1") }, "root"),
    ]);
    expect(await next()).toMatchObject({ watchId: 0n, events: [{ kv: { key: bytes("a") } }] });
  } finally {
    close();
  }
});

test("etcdctl manages users, and works as one of them", async () => {
  const path = await findEtcdctl();
  const env = etcdEnvironment({ ETCDCTL_API: "3" });
  const etcdctl = (...args: string[]): Promise<string> =>
    run(path, [`--endpoints=${etcd.endpoint}`, ...args], { env });
  await etcdctl("user", "add", "root:secret");
  await etcdctl("user", "grant-role", "root", "root");
  await etcdctl("user", "add", "app:app");
  await etcdctl("role", "add", "app");
  await etcdctl("role", "grant-permission", "app", "--prefix=true", "readwrite", "app/");
  await etcdctl("user", "grant-role", "app", "app");
  await etcdctl("auth", "enable");
  const asRoot = (...args: string[]): Promise<string> => etcdctl("--user=root:secret", ...args);
  const asApp = (...args: string[]): Promise<string> => etcdctl("--user=app:app", ...args);

  expect(await asRoot("user", "list")).toBe("app\nroot\n");
  expect(await asRoot("role", "get", "app")).toContain("[app/, app0) (prefix app/)");
  expect(await asApp("put", "app/key", "value")).toBe("OK\n");
  expect(await asApp("get", "app/key", "--print-value-only")).toBe("value\n");
  await expect(asApp("put", "other", "value")).rejects.toThrow("etcdserver: permission denied");
  await expect(etcdctl("get", "app/key")).rejects.toThrow("etcdserver: user name is empty");
  await expect(etcdctl("--user=app:wrong", "get", "app/key")).rejects.toThrow(
    "etcdserver: authentication failed, invalid user ID or password",
  );
  await asRoot("auth", "disable");
  expect(await etcdctl("get", "app/key", "--print-value-only")).toBe("value\n");
});

interface OpenWatch {
  readonly stream: ClientDuplexStream<WatchRequestInput, WatchResponse>;
  readonly next: () => Promise<WatchResponse>;
  readonly close: () => void;
}

function openWatch(endpoint: string, token: string): OpenWatch {
  const client = new Client(new URL(endpoint).host, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set("token", token);
  const { path, requestSerialize, responseDeserialize } = rpcs.watch.watch;
  const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata);
  const answers = stream[Symbol.asyncIterator]() as AsyncIterator<WatchResponse>;
  return {
    stream,
    next: async () => {
      const { value, done } = await answers.next();
      if (done === true) throw new Error("the stream has ended");
      return value;
    },
    close: () => {
      stream.on("error", () => {});
      stream.cancel();
      client.close();
    },
  };
}
