import { discoverEndpoints, EtcdClient } from "@quorumkit/core";
import { startEtcd } from "@quorumkit/testing";
import { describe, expect, it, vi } from "vitest";
import { DnsServer } from "./support/dns-server.ts";

describe("discoverEndpoints", () => {
  it("finds endpoints that a client can use", async () => {
    await using etcd = await startEtcd();
    const port = Number(new URL(etcd.endpoint).port);
    await using dns = await DnsServer.start({
      "_etcd-client-ssl._tcp.example.com": [],
      "_etcd-client._tcp.example.com": [{ target: "localhost", port }],
    });
    const endpoints = await discoverEndpoints("example.com.", { servers: [dns.address] });
    expect(endpoints).toEqual([`http://localhost:${port}`]);
    expect(dns.asked).toEqual(["_etcd-client-ssl._tcp.example.com", "_etcd-client._tcp.example.com"]);
    await using client = new EtcdClient({ endpoints });
    await client.put("key", "value");
    expect((await client.get("key"))?.text()).toBe("value");
  });

  it("sorts by priority and weight, and prefers TLS unless told", async () => {
    await using dns = await DnsServer.start({
      "_etcd-client-ssl-blue._tcp.example.com": [
        { target: "last", port: 2379, priority: 2, weight: 9 },
        { target: "light", port: 2379, priority: 1, weight: 1 },
        { target: "heavy.example.com", port: 4001, priority: 1, weight: 3 },
      ],
      "_etcd-client-blue._tcp.example.com": [{ target: "plain", port: 2379 }],
    });
    const options = { serviceName: "blue", servers: [dns.address] };
    const secure = ["https://heavy.example.com:4001", "https://light:2379", "https://last:2379"];
    expect(await discoverEndpoints("example.com", options)).toEqual(secure);
    expect(await discoverEndpoints("example.com", { ...options, secure: true })).toEqual(secure);
    expect(await discoverEndpoints("example.com", { ...options, secure: false })).toEqual([
      "http://plain:2379",
    ]);
  });

  it("tells absence from failure, and goes without TLS for no failure", async () => {
    const plain = [{ target: "plain", port: 2379 }];
    await using dns = await DnsServer.start({
      "_etcd-client._tcp.only.plain": plain,
      "_etcd-client-ssl._tcp.not.here": [{ target: ".", port: 0 }],
      "_etcd-client-ssl._tcp.refused": "refused",
      "_etcd-client._tcp.refused": plain,
      "_etcd-client-ssl._tcp.failed": "failed",
    });
    const servers = [dns.address];
    for (const [domain, options] of [
      ["absent", {}],
      ["only.plain", { secure: true }],
      ["not.here", {}],
    ] as const) {
      await expect(discoverEndpoints(domain, { servers, ...options })).rejects.toMatchObject({
        code: "NOT_FOUND",
        message: expect.stringContaining(`_etcd-client-ssl._tcp.${domain}`),
      });
    }
    for (const [domain, code] of [
      ["refused", "EREFUSED"],
      ["failed", "ESERVFAIL"],
    ] as const) {
      await expect(discoverEndpoints(domain, { servers })).rejects.toMatchObject({
        code: "UNAVAILABLE",
        cause: { code },
      });
    }
  });

  it("ends with its deadline or its signal, whatever the name server does", async () => {
    await using dns = await DnsServer.start({ "_etcd-client-ssl._tcp.silent": "silent" });
    const servers = [dns.address];
    const startedAt = performance.now();
    await expect(discoverEndpoints("silent", { servers, timeoutMs: 100 })).rejects.toMatchObject({
      code: "TIMEOUT",
    });
    expect(performance.now() - startedAt).toBeLessThan(2_500);

    const reason = new Error("enough");
    const before = dns.asked.length;
    const controller = new AbortController();
    const aborted = discoverEndpoints("silent", { servers, signal: controller.signal });
    void vi
      .waitFor(() => expect(dns.asked.length).toBeGreaterThan(before))
      .then(() => controller.abort(reason));
    await expect(aborted).rejects.toMatchObject({ code: "ABORTED", cause: reason });
    await expect(
      discoverEndpoints("silent", { servers, signal: AbortSignal.abort(reason) }),
    ).rejects.toMatchObject({ code: "ABORTED", cause: reason });
    expect(performance.now() - startedAt).toBeLessThan(4_500);
  });

  it("refuses wrong input by name", async () => {
    for (const domain of ["", "a b", "a..b", "-a.b", "x".repeat(64), 1 as never])
      await expect(discoverEndpoints(domain)).rejects.toThrow(/domain must be a domain name, received/);
    const cases: [object, RegExp][] = [
      [{ serviceName: "a.b" }, /serviceName must be/],
      [{ secure: "yes" }, /secure must be a boolean, received "yes"/],
      [{ servers: [] }, /servers must be addresses/],
      [{ servers: ["nowhere"] }, /servers must be addresses/],
      [{ servers: "127.0.0.1" }, /servers must be addresses/],
      [{ timeoutMs: 0 }, /timeoutMs must be/],
      [{ signal: 1 }, /signal must be/],
      [{ service: "x" }, /unknown option "service"/],
    ];
    for (const [options, message] of cases) {
      const refusal = discoverEndpoints("a.b", options);
      await expect(refusal).rejects.toThrow(TypeError);
      await expect(refusal).rejects.toThrow(message);
    }
  });
});
