import { createSign, generateKeyPairSync } from "node:crypto";
import { Client, credentials } from "@grpc/grpc-js";
import { EtcdClient } from "@quorumkit/core";
import { type AuthenticateResponse, rpcs } from "@quorumkit/proto";
import { type EtcdServer, startEtcd } from "@quorumkit/testing";
import { describe, expect, it } from "vitest";
import { TestFiles } from "./support/test-files.ts";
import { asRoot, createUser, enableAuth, loginCount, ROOT } from "./support/users.ts";
import { collect } from "./support/watching.ts";

const KEYS = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
});

/** An etcd whose tokens are JWTs. `ttl` as etcd writes it, such as `2s`. */
async function startJwtEtcd(files: TestFiles, ttl: string): Promise<EtcdServer> {
  const pub = await files.write("jwt.pub", KEYS.publicKey);
  const priv = await files.write("jwt.key", KEYS.privateKey);
  const spec = `jwt,pub-key=${pub},priv-key=${priv},sign-method=RS256,ttl=${ttl}`;
  const server = await startEtcd({ args: [`--auth-token=${spec}`] });
  await enableAuth(server);
  return server;
}

/** A token as somebody else would make it who has the key. */
function signToken(username: string, revision: bigint, livesMs: number): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const exp = Math.ceil((Date.now() + livesMs) / 1000);
  const text = `${part({ alg: "RS256", typ: "JWT" })}.${part({ username, revision: Number(revision), exp })}`;
  return `${text}.${createSign("RSA-SHA256").update(text).sign(KEYS.privateKey).toString("base64url")}`;
}

/** The revision of users and roles that the server writes into its own tokens. */
async function authRevision(server: EtcdServer): Promise<bigint> {
  const { path, requestSerialize, responseDeserialize } = rpcs.auth.authenticate;
  const client = new Client(new URL(server.endpoint).host, credentials.createInsecure());
  try {
    const request = { name: ROOT.username, password: ROOT.password };
    const { token } = await new Promise<AuthenticateResponse>((resolve, reject) => {
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error, response) => {
        if (response === undefined) reject(error ?? new Error("no answer"));
        else resolve(response);
      });
    });
    const payload = Buffer.from(token.split(".")[1] ?? "", "base64url").toString();
    return BigInt((JSON.parse(payload) as { revision: number }).revision);
  } finally {
    client.close();
  }
}

describe("a JWT", () => {
  it("that the user gives is used as it is, and its end is UNAUTHENTICATED", async () => {
    await using files = await TestFiles.create();
    await using server = await startJwtEtcd(files, "5m");
    const before = await loginCount(server);
    const token = signToken("root", await authRevision(server), 3_000);
    await using etcd = new EtcdClient({ endpoints: server.endpoint, auth: { token } });
    await etcd.put("key", "1");
    await using watcher = etcd.watch("key");
    const seen = collect(watcher);
    await watcher.ready();
    const ended = async (): Promise<unknown> => etcd.get("key").catch((error: unknown) => error);
    await expect
      .poll(ended, { timeout: 10_000 })
      .toMatchObject({ code: "UNAUTHENTICATED", message: expect.not.stringContaining(token) as string });
    // Only authRevision() has logged in.
    expect((await loginCount(server)) - before).toBe(1);
    // What the server lets run, runs.
    await asRoot(server, "put", "key", "2");
    await expect.poll(() => seen.batches.length).toBe(1);
    await expect(etcd.watch("key", { startRevision: 1n }).ready()).rejects.toMatchObject({
      code: "UNAUTHENTICATED",
    });
  });

  it("that a function gives is asked for when the last one has expired, once for all", async () => {
    await using files = await TestFiles.create();
    await using server = await startJwtEtcd(files, "5m");
    const revision = await authRevision(server);
    let asked = 0;
    const token = async (): Promise<string> => {
      asked += 1;
      return Promise.resolve(signToken("root", revision, 2_000));
    };
    await using etcd = new EtcdClient({ endpoints: server.endpoint, auth: { token } });
    await using watcher = etcd.watch({ prefix: "key/" });
    const seen = collect(watcher);
    await watcher.ready();
    expect(asked).toBe(1);
    let written = 0;
    let last = 0n;
    const until = performance.now() + 6_000;
    while (performance.now() < until) {
      const puts = Array.from({ length: 20 }, async (_, index) => etcd.put(`key/${written + index}`, "1"));
      for (const { revision: each } of await Promise.all(puts)) last = each > last ? each : last;
      written += 20;
    }
    // exp is in whole seconds, so a token lives for 2 to 3.
    expect(asked).toBeGreaterThanOrEqual(3);
    expect(asked).toBeLessThanOrEqual(5);
    const { kvs, count } = await etcd.range({ prefix: "key/" });
    expect(count).toBe(BigInt(written));
    expect(kvs.every(({ version }) => version === 1n)).toBe(true);
    await expect.poll(() => seen.revision()).toBe(last);
  });

  it("got by a login is had anew after every change of users, which outdates all of them", async () => {
    await using files = await TestFiles.create();
    await using server = await startJwtEtcd(files, "5m");
    await using etcd = new EtcdClient({ endpoints: server.endpoint, auth: ROOT });
    await etcd.put("key", "1");
    const old = etcd.watch("key");
    const seen = collect(old);
    await old.ready();
    for (let round = 0; round < 3; round += 1) {
      await createUser(server, `user-${round}`, "a-password");
      const before = await loginCount(server);
      const watchers = Array.from({ length: 5 }, () => etcd.watch("key", { startRevision: 1n }));
      const puts = Array.from({ length: 50 }, async (_, index) => etcd.put(`${round}/${index}`, "1"));
      await Promise.all([...puts, ...watchers.map(async (each) => each.ready())]);
      expect((await loginCount(server)) - before).toBe(1);
      await Promise.all(watchers.map(async (each) => each.close()));
      expect((await etcd.range({ prefix: `${round}/` })).kvs.every(({ version }) => version === 1n)).toBe(
        true,
      );
    }
    const { revision } = await etcd.put("key", "2");
    await expect.poll(() => seen.revision()).toBe(revision);
    await old.close();
  });

  it("that cannot be had is an error with its cause, and one that is none is refused unseen", async () => {
    await using files = await TestFiles.create();
    await using server = await startJwtEtcd(files, "5m");
    const cause = new Error("the identity provider is away");
    await using without = new EtcdClient({
      endpoints: server.endpoint,
      auth: { token: () => Promise.reject(cause) },
      timeoutMs: 500,
    });
    const failure = (await without.put("key", "1").catch((error: unknown) => error)) as Error;
    expect(failure).toMatchObject({ code: "UNAVAILABLE", outcome: "notApplied" });
    expect(failure.cause).toMatchObject({ code: "UNAVAILABLE", cause });

    for (const wrong of ["two\nlines", "", undefined, 42]) {
      const token = (): string => wrong as string;
      await using etcd = new EtcdClient({ endpoints: server.endpoint, auth: { token } });
      await expect(etcd.put("key", "1")).rejects.toMatchObject({
        code: "UNAUTHENTICATED",
        message: expect.stringMatching(/Put was not sent, auth\.token\(\) must/) as string,
      });
      await expect(etcd.put("key", "1")).rejects.not.toThrow(/lines|42/);
    }

    let answer = (_token: string): void => {};
    const slow = new Promise<string>((resolve) => (answer = resolve));
    await using etcd = new EtcdClient({
      endpoints: server.endpoint,
      auth: { token: async () => slow },
      timeoutMs: 300,
    });
    await expect(etcd.put("key", "1")).rejects.toMatchObject({ code: "TIMEOUT", outcome: "notApplied" });
    answer(signToken("root", await authRevision(server), 60_000));
    await expect
      .poll(async () =>
        etcd.put("key", "1").then(
          () => "put",
          () => "not yet",
        ),
      )
      .toBe("put");
  });
});
