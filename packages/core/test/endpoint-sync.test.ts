import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { Server, ServerCredentials, status } from "@grpc/grpc-js";
import { EtcdClient } from "@quorumkit/core";
import { type ServiceHandlers, services } from "@quorumkit/proto";
import { type EtcdCluster, type EtcdServer, startEtcd, startEtcdCluster } from "@quorumkit/testing";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { parseEndpoints } from "../src/transport/endpoint-url.ts";
import { memberAddresses } from "../src/transport/member-addresses.ts";
import { startTcpProxy } from "./support/tcp-proxy.ts";

/** Long enough for a machine with much else to do. */
const EVENTUALLY = { timeout: 15_000 };

let cluster: EtcdCluster;
beforeAll(async () => {
  cluster = await startEtcdCluster(3);
});
afterAll(async () => {
  await cluster.close();
});

/** An address where nobody listens. */
async function deadEndpoint(): Promise<string> {
  const listener = createServer();
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as AddressInfo;
  await new Promise((resolve) => listener.close(resolve));
  return `http://127.0.0.1:${port}`;
}

function urlsOf(etcd: EtcdClient): string[] {
  return etcd.connection.endpoints.map(({ url }) => url).toSorted();
}

function member(...clientURLs: string[]): {
  name: string;
  clientURLs: string[];
  isLearner: boolean;
} {
  return { name: "m", clientURLs, isLearner: false };
}

describe("the addresses of a member list", () => {
  const targets = (seeds: string[], ...members: readonly ReturnType<typeof member>[]): string[] =>
    memberAddresses(members, parseEndpoints(seeds)).flatMap(({ addresses }) =>
      addresses.map(({ url }) => url),
    );

  it("are used where they are addresses", () => {
    const seeds = ["http://10.0.0.1:2379"];
    expect(targets(seeds, member("http://10.0.0.2:2379", "http://b.example:2379"))).toEqual([
      "http://10.0.0.2:2379",
      "http://b.example:2379",
    ]);
    for (const url of [
      "http://0.0.0.0:2379",
      "http://[::]:2379",
      "http://0:2379",
      "ftp://a:1",
      "http://a/path",
    ])
      expect(targets(seeds, member(url))).toEqual([]);
    expect(targets(seeds, { ...member("http://10.0.0.2:2379"), name: "" })).toEqual([]);
  });

  it("are not this machine's, unless the user's are, too", () => {
    const local = member("http://localhost:2379", "http://127.0.0.1:2379", "http://[::1]:2379");
    expect(targets(["http://10.0.0.1:2379"], local)).toEqual([]);
    expect(targets(["http://localhost:1"], local)).toHaveLength(3);
  });

  it("are encrypted if the user's are", () => {
    const both = member("http://10.0.0.2:2379", "https://10.0.0.2:2379");
    expect(targets(["https://10.0.0.1:2379"], both)).toEqual(["https://10.0.0.2:2379"]);
    expect(targets(["http://10.0.0.1:2379"], both)).toEqual(["http://10.0.0.2:2379"]);
  });

  it("tell learners", () => {
    const seeds = parseEndpoints("http://10.0.0.1:2379");
    const learner = { ...member("http://10.0.0.2:2379"), isLearner: true };
    expect(memberAddresses([learner], seeds)).toMatchObject([{ isLearner: true, addresses: [{}] }]);
  });
});

describe("endpoint sync", () => {
  it("is off unless asked for", async () => {
    await using etcd = new EtcdClient({ endpoints: cluster.endpoints[0] as string });
    for (let i = 0; i < 5; i += 1) await etcd.get("a");
    expect(urlsOf(etcd)).toEqual([cluster.endpoints[0]]);
  });

  it("finds the other members, and goes on through them when the named one dies", async () => {
    const [first] = cluster.members as readonly [EtcdServer, ...EtcdServer[]];
    await using etcd = new EtcdClient({ endpoints: first.endpoint, syncEndpointsMs: 200 });
    expect(urlsOf(etcd)).toEqual([first.endpoint]);
    await etcd.get("a");
    await vi.waitFor(() => expect(urlsOf(etcd)).toEqual(cluster.endpoints.toSorted()), { timeout: 10_000 });
    await first.kill();
    await etcd.get("a", { timeoutMs: 15_000 });
    expect(urlsOf(etcd)).toContain(first.endpoint);
    await first.restart();
    await cluster.leader();
  });

  it("keeps the user's own address beside the members', for when none of them works", async () => {
    await using advertised = await startTcpProxy("http://127.0.0.1:1");
    await using lone = await startEtcd({ args: [`--advertise-client-urls=${advertised.endpoint}`] });
    advertised.retarget(lone.endpoint);
    await using named = await startTcpProxy(lone.endpoint);
    await using etcd = new EtcdClient({ endpoints: named.endpoint, syncEndpointsMs: 60_000 });
    await etcd.get("a");
    await vi.waitFor(() => expect(urlsOf(etcd)).toContain(advertised.endpoint), { timeout: 10_000 });
    const before = named.calls;
    for (let i = 0; i < 20; i += 1) await etcd.get("a");
    expect(named.calls).toBe(before);
    advertised.refuse();
    await etcd.get("a");
    expect(named.calls).toBeGreaterThan(before);
    expect(etcd.connection.state).toBe("degraded");
  });

  it("does not use an address that cannot be reached, or that is any address, and loses nothing by it", async () => {
    const dead = await deadEndpoint();
    for (const advertised of [dead, "http://0.0.0.0:2379"]) {
      await using lone = await startEtcd({ args: [`--advertise-client-urls=${advertised}`] });
      await using proxy = await startTcpProxy(lone.endpoint);
      await using etcd = new EtcdClient({ endpoints: proxy.endpoint, syncEndpointsMs: 100 });
      await etcd.get("a");
      const firstRound = proxy.calls;
      // Some rounds later it still is as it was.
      await vi.waitFor(async () => {
        await etcd.get("a");
        expect(proxy.calls).toBeGreaterThan(firstRound + 10);
      }, EVENTUALLY);
      expect(urlsOf(etcd)).toEqual([proxy.endpoint]);
      expect(etcd.connection.state).toBe("ready");
      expect(etcd.connection.syncError).toBeUndefined();
    }
  });

  it("does not use another cluster that has come to a member's address", async () => {
    await using other = await startEtcd();
    await using away = await startTcpProxy(other.endpoint);
    await using lone = await startEtcd({ args: [`--advertise-client-urls=${away.endpoint}`] });
    await using etcd = new EtcdClient({ endpoints: lone.endpoint, syncEndpointsMs: 100 });
    await etcd.put("mine", "1");
    await vi.waitFor(
      async () => {
        expect((await etcd.get("mine"))?.text()).toBe("1");
        expect(away.calls).toBeGreaterThan(2);
      },
      { timeout: 10_000 },
    );
    expect(urlsOf(etcd)).toEqual([lone.endpoint]);
  });

  it("does without where the user may not list members", async () => {
    await using locked = await startEtcd();
    for (const words of ["user add root:secret", "user grant-role root root", "auth enable"])
      await locked.etcdctl(words.split(" "));
    await using nobody = new EtcdClient({ endpoints: locked.endpoint, syncEndpointsMs: 100 });
    await expect(nobody.get("a")).rejects.toMatchObject({ code: expect.any(String) as string });
    expect(urlsOf(nobody)).toEqual([locked.endpoint]);
    expect(nobody.connection.state).toBe("ready");
  });

  it("says why it could not be done, and goes on", async () => {
    const grpc = new Server();
    const refuse = { code: status.PERMISSION_DENIED, details: "etcdserver: permission denied" };
    let lists = 0;
    const range: ServiceHandlers<typeof services.kv>["range"] = (_call, answer) => answer(null, {});
    const memberList: ServiceHandlers<typeof services.cluster>["memberList"] = (_call, answer) => {
      lists += 1;
      answer(refuse);
    };
    grpc.addService({ range: services.kv.range }, { range });
    grpc.addService({ memberList: services.cluster.memberList }, { memberList });
    const port = await new Promise<number>((resolve) => {
      grpc.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (_error, bound) => resolve(bound));
    });
    try {
      await using etcd = new EtcdClient({ endpoints: `http://127.0.0.1:${port}`, syncEndpointsMs: 100 });
      await vi.waitFor(async () => {
        await etcd.delete("a").catch(() => {});
        expect(lists).toBeGreaterThan(2);
        expect(etcd.connection.syncError).toMatchObject({ code: "PERMISSION_DENIED" });
      }, EVENTUALLY);
      expect(etcd.connection.state).toBe("ready");
    } finally {
      grpc.forceShutdown();
    }
  });

  it("leaves a learner out, and takes it in when it has been promoted", { timeout: 90_000 }, async () => {
    const patient = { timeoutMs: 25_000 };
    await using admin = new EtcdClient({ endpoints: cluster.endpoints });
    await using etcd = new EtcdClient({ endpoints: cluster.endpoints, syncEndpointsMs: 200 });
    const peerUrl = await deadEndpoint();
    const { member: added, members } = await admin.cluster.memberAdd({
      peerUrls: [peerUrl],
      isLearner: true,
      ...patient,
    });
    const initial = members.map(({ name, peerUrls }) => `${name === "" ? "fourth" : name}=${peerUrls[0]}`);
    const starting = startEtcd({
      version: cluster.version,
      args: [
        "--name=fourth",
        `--listen-peer-urls=${peerUrl}`,
        `--initial-advertise-peer-urls=${peerUrl}`,
        `--initial-cluster=${initial.join(",")}`,
        "--initial-cluster-state=existing",
      ],
    });
    try {
      const fourthUrl = async (): Promise<string> => {
        await etcd.get("a");
        const url = (await admin.cluster.memberList()).find(({ id }) => id === added.id)?.clientUrls[0];
        expect(url).toBeDefined();
        return url as string;
      };
      const url = await vi.waitFor(fourthUrl, { timeout: 30_000, interval: 100 });
      // Named by the user it is found out, and gets no calls that it would refuse.
      await using named = new EtcdClient({ endpoints: [url, ...cluster.endpoints] });
      for (let i = 0; i < 12; i += 1) await named.get("a");
      expect(named.connection.endpoints[0]).toMatchObject({ url, state: "learner" });
      expect(urlsOf(etcd)).not.toContain(url);

      await vi.waitFor(() => admin.cluster.memberPromote(added.id, patient), {
        timeout: 40_000,
        interval: 200,
      });
      await vi.waitFor(
        async () => {
          await etcd.get("a");
          expect(urlsOf(etcd)).toContain(url);
        },
        { timeout: 20_000 },
      );
      await admin.cluster.memberRemove(added.id, patient);
      await vi.waitFor(
        async () => {
          await etcd.get("a");
          expect(urlsOf(etcd)).not.toContain(url);
        },
        { timeout: 20_000 },
      );
    } finally {
      await starting.then(async (fourth) => fourth.close());
    }
  });

  it("refuses what makes no sense, by name", () => {
    const endpoints = "http://a:1";
    expect(() => new EtcdClient({ endpoints, syncEndpointsMs: 5 })).toThrow(
      /syncEndpointsMs must be a number between 100 and \d+, received 5/,
    );
    expect(() => new EtcdClient({ endpoints, syncEndpointsMs: 1_000, topology: "proxy" })).toThrow(
      /syncEndpointsMs must be left out with topology "proxy"/,
    );
  });
});
