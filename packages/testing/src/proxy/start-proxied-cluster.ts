import { EtcdCluster } from "../etcd-cluster.ts";
import type { EtcdServer } from "../etcd-server.ts";
import { ETCD_SOURCES, type StartEtcdOptions } from "../options.ts";
import { checkClusterOptions, startMembers } from "../start.ts";
import { memberStatus } from "../status.ts";
import type { FaultProxy } from "./fault-proxy.ts";
import { PeerLinks, type MemberDirectory } from "./peer-links.ts";
import { ProxiedCluster } from "./proxied-cluster.ts";
import { socketOwner } from "./socket-owner.ts";
import { startObservedProxy } from "./start-fault-proxy.ts";

/** Where a proxy leads: etcd's ports are chosen after the proxies have theirs. */
interface LateTarget {
  endpoint: string;
}

/** The proxies before one member. */
interface MemberProxies {
  readonly clients: FaultProxy;
  readonly peers: FaultProxy;
  readonly clientTarget: LateTarget;
  readonly peerTarget: LateTarget;
}

/**
 * Starts a cluster as `startEtcdCluster` does, with a fault proxy before each member's client port and peer port. Only with
 * an etcd that runs as a process of this machine: one in a container could not reach the proxies.
 * @throws TypeError for a wrong size or option; Error when `source` allows only containers; EtcdUnavailableError when no
 * binary can be had.
 */
export async function startProxiedCluster(
  size: number,
  options: StartEtcdOptions = {},
): Promise<ProxiedCluster> {
  checkClusterOptions(size, options);
  const source = (options.source ?? ETCD_SOURCES).filter((each) => each !== "container");
  if (source.length === 0) {
    throw new Error(
      "A cluster behind fault proxies needs an etcd binary: etcd in a container cannot reach the proxies, which are in this process",
    );
  }
  const directory = new Directory();
  const links = new PeerLinks(size, directory);
  const proxies = await startProxies(size, links);
  try {
    const servers = await startMembers(size, { ...options, source }, (member, index) => {
      const { clients, peers, clientTarget, peerTarget } = proxies[index] as MemberProxies;
      clientTarget.endpoint = `http://127.0.0.1:${member.clientPort}`;
      peerTarget.endpoint = `http://127.0.0.1:${member.peerPort}`;
      return { clientUrl: clients.endpoint, peerUrl: peers.endpoint };
    });
    try {
      await directory.fill(servers, proxies);
      await links.searchAgain();
      const members = servers.map((server, index) => {
        const { clients, peers } = proxies[index] as MemberProxies;
        return { index, name: server.name, server, clients, peers, endpoint: clients.endpoint };
      });
      return new ProxiedCluster(new EtcdCluster(servers), members, links);
    } catch (error) {
      await Promise.all(servers.map((server) => server.close()));
      throw error;
    }
  } catch (error) {
    await Promise.all(proxies.flatMap(({ clients, peers }) => [clients.close(), peers.close()]));
    throw error;
  }
}

async function startProxies(size: number, links: PeerLinks): Promise<MemberProxies[]> {
  return Promise.all(
    Array.from({ length: size }, async (_, index): Promise<MemberProxies> => {
      // Port 0 cannot be connected to: nothing gets through before etcd has its ports.
      const clientTarget: LateTarget = { endpoint: "http://127.0.0.1:0" };
      const peerTarget: LateTarget = { endpoint: "http://127.0.0.1:0" };
      return {
        clients: await startObservedProxy(clientTarget, {}, {}),
        peers: await startObservedProxy(peerTarget, {}, links.observer(index)),
        clientTarget,
        peerTarget,
      };
    }),
  );
}

/** Who is who, as far as it is known. */
class Directory implements MemberDirectory {
  readonly #ids = new Map<bigint, number>();
  #servers: readonly EtcdServer[] = [];
  #peerPorts: readonly number[] = [];

  /** A member keeps its id over restarts. */
  async fill(servers: readonly EtcdServer[], proxies: readonly MemberProxies[]): Promise<void> {
    this.#servers = servers;
    this.#peerPorts = proxies.map(({ peers }) => Number(new URL(peers.endpoint).port));
    for (const [index, { name, endpoint }] of servers.entries()) {
      const status = await memberStatus(endpoint);
      if (status === undefined) throw new Error(`${name} did not say its id`);
      this.#ids.set(status.memberId, index);
    }
  }

  byId(id: bigint): number | undefined {
    return this.#ids.get(id);
  }

  async byPort(clientPort: number, target: number): Promise<number | undefined> {
    const pids = this.#servers.map(({ pid }) => pid ?? 0);
    const owner = await socketOwner(clientPort, this.#peerPorts[target] ?? 0, pids);
    const index = owner === undefined ? -1 : pids.indexOf(owner);
    return index === -1 ? undefined : index;
  }
}
