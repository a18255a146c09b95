import { execFileSync } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { rmSync, writeFileSync } from "node:fs";
import { type ConnectionMessage, DIAGNOSTICS, EtcdClient } from "@quorumkit/core";
import { describe, expect, it, vi } from "vitest";
import {
  clientCertificate,
  createAuthority,
  type Identity,
  serverCertificate,
} from "./support/certificates.ts";
import { startTcpProxy, type TcpProxy } from "./support/tcp-proxy.ts";
import { TestFiles } from "./support/test-files.ts";
import { startTlsEtcd } from "./support/tls-etcd.ts";
import { asRoot, enableAuth } from "./support/users.ts";

/** Long enough for a machine with much else to do. */
const EVENTUALLY = { timeout: 15_000 };

const through = (proxy: TcpProxy): string => proxy.endpoint.replace("http://", "https://");

describe("TLS files that are replaced", () => {
  it("say who the client is on every new connection, and on no other", async () => {
    const authority = await createAuthority();
    await using files = await TestFiles.create();
    const identity = await serverCertificate(authority, "127.0.0.1");
    await using etcd = await startTlsEtcd({ identity, clientAuthority: authority });
    await enableAuth(etcd.server);
    for (const user of ["alice", "bob"]) {
      await asRoot(etcd.server, "user", "add", user, "--no-password");
      await asRoot(etcd.server, "role", "add", user);
      for (const prefix of [`${user}/`, "both/"])
        await asRoot(etcd.server, "role", "grant-permission", user, "--prefix=true", "readwrite", prefix);
      await asRoot(etcd.server, "user", "grant-role", user, user);
    }
    const [alice, bob] = [
      await clientCertificate(authority, "alice"),
      await clientCertificate(authority, "bob"),
    ];
    const become = async ({ cert, key }: Identity): Promise<void> => {
      await files.write("client.crt", cert);
      await files.write("client.key", key);
    };
    await become(alice);
    const [certFile, keyFile] = [files.path("client.crt"), files.path("client.key")];

    await using proxy = await startTcpProxy(etcd.endpoint);
    await using client = new EtcdClient({
      endpoints: through(proxy),
      tls: { ca: authority.cert, certFile, keyFile },
      timeoutMs: 10_000,
    });
    await client.put("alice/key", "1");
    await using watcher = client.watch({ prefix: "both/" });
    await watcher.ready();
    const states: string[] = [];
    watcher.on("state", (state) => states.push(state));
    const batches = watcher[Symbol.asyncIterator]();

    await become(bob);
    await client.put("alice/key", "2");
    await client.put("both/key", "1");
    expect((await batches.next()).value?.events[0]?.kv.text()).toBe("1");
    expect(states).toEqual([]);

    proxy.cut();
    // A write might be sent before the cut is noticed, and is not sent twice.
    await client.get("both/key");
    await client.put("bob/key", "1");
    await expect(client.put("alice/key", "3")).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
    await client.put("both/key", "2");
    expect((await batches.next()).value?.events[0]?.kv.text()).toBe("2");

    // While nobody can be reached, the channel tries again by itself: not with what was there then.
    proxy.refuse();
    await expect(client.put("bob/key", "2", { timeoutMs: 500 })).rejects.toMatchObject({
      code: "UNAVAILABLE",
    });
    await become(alice);
    proxy.accept();
    await client.put("alice/key", "4");
  });

  it("stay what they were while they cannot be used, and that is told", async () => {
    const authority = await createAuthority();
    await using files = await TestFiles.create();
    const identity = await serverCertificate(authority, "127.0.0.1");
    await using etcd = await startTlsEtcd({ identity, clientAuthority: authority });
    const [old, renewed] = [await clientCertificate(authority, "a"), await clientCertificate(authority, "b")];
    const tls = {
      caFile: await files.write("ca.crt", authority.cert),
      certFile: await files.write("client.crt", old.cert),
      keyFile: await files.write("client.key", old.key),
    };
    await using proxy = await startTcpProxy(etcd.endpoint);
    await using client = new EtcdClient({ endpoints: through(proxy), tls, timeoutMs: 10_000 });
    const events: (string | undefined)[] = [];
    client.connection.on("change", ({ tlsError }) => events.push(tlsError?.message));
    const published: (string | undefined)[] = [];
    const listener = (message: unknown): void =>
      void published.push((message as ConnectionMessage).tlsError?.message);
    subscribe(DIAGNOSTICS.connection, listener);
    try {
      await client.put("key", "0");
      expect(client.connection.tlsError).toBeUndefined();

      const bad: [file: string, content: string, good: string, message: RegExp][] = [
        ["client.crt", renewed.cert, old.cert, /tls\.keyFile must be the key of tls\.certFile/],
        ["client.key", old.key.slice(0, 80), old.key, /tls\.keyFile must be a private key/],
        ["ca.crt", "", authority.cert, /tls\.caFile must be a certificate in PEM/],
        [
          "ca.crt",
          `${authority.cert}\n${authority.cert.slice(0, 300)}`,
          authority.cert,
          /tls\.caFile must be a certificate in PEM/,
        ],
      ];
      for (const [file, content, good, message] of bad) {
        await files.write(file, content);
        proxy.cut();
        await vi.waitFor(async () => {
          await client.put("key", "1");
          expect(client.connection.tlsError?.message).toMatch(message);
        }, EVENTUALLY);
        expect(client.connection.status.tlsError).toBe(client.connection.tlsError);
        expect(events.at(-1)).toMatch(message);
        expect(published.at(-1)).toMatch(message);

        await files.write(file, good);
        proxy.cut();
        await vi.waitFor(async () => {
          await client.put("key", "2");
          expect(client.connection.tlsError).toBeUndefined();
        }, EVENTUALLY);
        expect(events.at(-1)).toBeUndefined();
      }
    } finally {
      unsubscribe(DIAGNOSTICS.connection, listener);
    }
  });

  it("say whom to trust: a server of another authority is reached once the file has it", async () => {
    const [before, after] = [await createAuthority(), await createAuthority()];
    await using files = await TestFiles.create();
    await using first = await startTlsEtcd({ identity: await serverCertificate(before, "127.0.0.1") });
    await using second = await startTlsEtcd({ identity: await serverCertificate(after, "127.0.0.1") });
    const caFile = await files.write("ca.crt", before.cert);
    await using proxy = await startTcpProxy(first.endpoint);
    await using client = new EtcdClient({ endpoints: through(proxy), tls: { caFile }, timeoutMs: 10_000 });
    await client.put("key", "1");

    proxy.retarget(second.endpoint);
    proxy.cut();
    await expect(client.get("key", { timeoutMs: 1_000 })).rejects.toThrow(/certificate/);

    await files.write("ca.crt", after.cert);
    await client.put("key", "3");

    // And no longer whom it has not.
    proxy.retarget(first.endpoint);
    proxy.cut();
    await expect(client.get("key", { timeoutMs: 1_000 })).rejects.toThrow(/certificate/);
  });

  it("do not hold up a call beyond its deadline, nor close(), while they cannot be read to their end", async () => {
    const authority = await createAuthority();
    await using files = await TestFiles.create();
    const identity = await serverCertificate(authority, "127.0.0.1");
    await using etcd = await startTlsEtcd({ identity });
    await using proxy = await startTcpProxy(etcd.endpoint);
    const caFile = files.path("ca.crt");
    const hang = (): void => {
      rmSync(caFile, { force: true });
      // Reading it waits for a writer, as a file system does that hangs.
      execFileSync("mkfifo", [caFile]);
    };
    hang();
    const never = new EtcdClient({ endpoints: through(proxy), tls: { caFile } });
    await expect(never.get("key", { timeoutMs: 200 })).rejects.toMatchObject({ code: "TIMEOUT" });
    await never.close();
    writeFileSync(caFile, authority.cert);
    rmSync(caFile);

    await files.write("ca.crt", authority.cert);
    const client = new EtcdClient({ endpoints: through(proxy), tls: { caFile } });
    await client.put("key", "1");
    hang();
    proxy.cut();
    // With what was read before, and some say why.
    expect((await client.get("key", { timeoutMs: 15_000 }))?.text()).toBe("1");
    expect(client.connection.tlsError?.message).toMatch(/could not be read within/);
    await client.close();
    writeFileSync(caFile, authority.cert);
  });
});
