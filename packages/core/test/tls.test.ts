import { type ClientOptions, EtcdClient, type TlsOptions } from "@quorumkit/core";
import { describe, expect, it } from "vitest";
import { clientCertificate, createAuthority, serverCertificate } from "./support/certificates.ts";
import { TestFiles } from "./support/test-files.ts";
import { startTlsEtcd } from "./support/tls-etcd.ts";
import { startUnixEtcd } from "./support/unix-etcd.ts";
import { asRoot, enableAuth } from "./support/users.ts";

function refusalOf(options: ClientOptions): unknown {
  try {
    return new EtcdClient(options);
  } catch (error) {
    return error;
  }
}

describe("TLS", () => {
  it("trusts the authority given, as PEM or as a file, and no other", async () => {
    const authority = await createAuthority();
    await using files = await TestFiles.create();
    await using etcd = await startTlsEtcd({ identity: await serverCertificate(authority, "127.0.0.1") });
    const caFile = await files.write("ca.crt", authority.cert);
    const ways: TlsOptions[] = [{ ca: authority.cert }, { ca: Buffer.from(authority.cert) }, { caFile }];
    for (const tls of ways) {
      await using client = new EtcdClient({ endpoints: etcd.endpoint, tls });
      await client.put("key", "value");
      expect((await client.get("key"))?.text()).toBe("value");
    }

    const { cert: ca } = await createAuthority();
    for (const options of [{ tls: { ca } }, {}]) {
      await using client = new EtcdClient({ endpoints: etcd.endpoint, timeoutMs: 500, ...options });
      const failure = await client.put("key", "other").catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: "UNAVAILABLE", outcome: "notApplied" });
      expect((failure as Error).message).toMatch(/certificate/);
      expect((failure as Error).cause).toBeInstanceOf(Error);
      await expect(client.watch("key").ready({ timeoutMs: 1_500 })).rejects.toThrow(/certificate/);
    }

    await using trusting = new EtcdClient({
      endpoints: etcd.endpoint,
      tls: { rejectUnauthorized: false },
    });
    expect((await trusting.get("key"))?.text()).toBe("value");
  });

  it("expects the name it is told to", async () => {
    const authority = await createAuthority();
    const identity = await serverCertificate(authority, "etcd.internal");
    await using etcd = await startTlsEtcd({ identity });
    const ca = authority.cert;
    await using named = new EtcdClient({
      endpoints: etcd.endpoint,
      tls: { ca, serverName: "etcd.internal" },
    });
    await named.put("key", "value");
    await using unnamed = new EtcdClient({ endpoints: etcd.endpoint, tls: { ca }, timeoutMs: 500 });
    await expect(unnamed.get("key")).rejects.toThrow(/127\.0\.0\.1.*(certificate|altnames)/);
  });

  it("is mutual where a certificate is given, whose common name is the user", async () => {
    const authority = await createAuthority();
    const identity = await serverCertificate(authority, "127.0.0.1");
    await using files = await TestFiles.create();
    await using etcd = await startTlsEtcd({ identity, clientAuthority: authority });
    const { server, endpoint } = etcd;
    await enableAuth(server);
    await asRoot(server, "user", "add", "alice", "--no-password");
    await asRoot(server, "role", "add", "reader");
    await asRoot(server, "role", "grant-permission", "reader", "--prefix=true", "readwrite", "alice/");
    await asRoot(server, "user", "grant-role", "alice", "reader");

    const { cert, key } = await clientCertificate(authority, "alice");
    const ca = authority.cert;
    const tls = {
      ca,
      certFile: await files.write("alice.crt", cert),
      keyFile: await files.write("alice.key", key),
    };
    for (const each of [{ ca, cert, key }, tls]) {
      await using alice = new EtcdClient({ endpoints: endpoint, tls: each });
      await alice.put("alice/key", "1");
      const watcher = alice.watch({ prefix: "alice/" });
      await watcher.ready();
      await expect(alice.put("bob/key", "1")).rejects.toMatchObject({
        code: "PERMISSION_DENIED",
        outcome: "notApplied",
      });
    }

    await using nobody = new EtcdClient({ endpoints: endpoint, tls: { ca }, timeoutMs: 1_000 });
    await expect(nobody.put("alice/key", "2")).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });

  it("reads files at the first call, not before, and again when one could not be read", async () => {
    const authority = await createAuthority();
    const identity = await serverCertificate(authority, "127.0.0.1");
    await using files = await TestFiles.create();
    await using etcd = await startTlsEtcd({ identity });
    const caFile = files.path("ca.crt");
    await using client = new EtcdClient({ endpoints: etcd.endpoint, tls: { caFile } });
    const startedAt = performance.now();
    const failure = await client.put("key", "1").catch((error: unknown) => error);
    // Not after the deadline: a missing file is no outage.
    expect(performance.now() - startedAt).toBeLessThan(2_500);
    expect(failure).toMatchObject({ code: "UNAVAILABLE", outcome: "notApplied" });
    expect((failure as Error).message).toContain(`tls.caFile ${caFile} could not be read`);
    expect((failure as Error).cause).toMatchObject({ cause: { code: "ENOENT" } });
    const watcher = client.watch("key", { startRevision: 1n });

    await files.write("ca.crt", "-----BEGIN CERTIFICATE-----\nnonsense");
    await expect(client.put("key", "1")).rejects.toThrow(/tls\.caFile must be a certificate in PEM/);

    await files.write("ca.crt", authority.cert);
    await client.put("key", "1");
    await watcher.ready();
  });

  it("refuses wrong options by name, and shows no key", async () => {
    const authority = await createAuthority();
    const { cert, key } = await clientCertificate(authority, "alice");
    const other = await clientCertificate(authority, "bob");
    const cases: [unknown, RegExp][] = [
      [{ cafile: "x" }, /tls: unknown option "cafile"; known are ca,/],
      ["ca.crt", /tls: options must be an object/],
      [{ ca: 1 }, /tls\.ca must be a string or bytes in PEM, received a value of type number/],
      [{ ca: "ca.crt" }, /tls\.ca must be a certificate in PEM/],
      [{ ca: key }, /tls\.ca must be a certificate in PEM/],
      [{ ca: `${cert}\n${cert.slice(0, 200)}` }, /tls\.ca must be a certificate in PEM/],
      [{ ca: `${cert}\n-----BEGIN CERTIF` }, /tls\.ca must be a certificate in PEM/],
      [{ ca: cert, caFile: "x" }, /give ca or caFile, not both/],
      [{ caFile: cert }, /tls\.caFile must be the path of a file in PEM/],
      [{ caFile: "" }, /tls\.caFile must be the path/],
      [{ cert }, /tls\.cert needs key or keyFile beside it/],
      [{ keyFile: "x" }, /tls\.keyFile needs cert or certFile beside it/],
      [{ cert, key: cert }, /tls\.key must be a private key, not encrypted, in PEM/],
      [{ cert, key: other.key }, /tls\.key must be the key of tls\.cert/],
      [{ serverName: "" }, /tls\.serverName must be a non-empty string, received ""/],
      [{ rejectUnauthorized: "no" }, /tls\.rejectUnauthorized must be a boolean, received "no"/],
    ];
    for (const [tls, message] of cases) {
      const refusal = refusalOf({ endpoints: "https://a:1", tls: tls as TlsOptions });
      expect(refusal).toBeInstanceOf(TypeError);
      expect((refusal as Error).message).toMatch(message);
      expect((refusal as Error).message).not.toContain(key.split("\n")[1]);
    }
    expect(() => new EtcdClient({ endpoints: ["https://a:1", "b:1"], tls: {} })).toThrow(
      /tls needs https:\/\/ endpoints, received http:\/\/b:1/,
    );
  });
});

describe("a unix socket", () => {
  it("is an endpoint as any other", async () => {
    await using files = await TestFiles.create();
    const path = files.path("etcd.sock");
    await using started = await startUnixEtcd(path);
    const { server } = started;
    await using etcd = new EtcdClient({ endpoints: `unix://${path}` });
    const watcher = etcd.watch("key");
    await watcher.ready();
    const { revision } = await etcd.put("key", "value");
    const { value: batch } = await watcher[Symbol.asyncIterator]().next();
    expect(batch?.revision).toBe(revision);
    await server.kill();
    await expect(etcd.get("key", { timeoutMs: 300 })).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await server.restart();
    expect((await etcd.get("key"))?.text()).toBe("value");
  });

  it("has an absolute path and nothing else", () => {
    for (const endpoints of ["unix:///", "unix://host/path", "unix:///a?b", "unix:///a#b"]) {
      expect(() => new EtcdClient({ endpoints })).toThrow(
        /endpoints: .* expected http:\/\/host:port, https:\/\/host:port or unix:\/\/\/path, received/,
      );
    }
  });
});
