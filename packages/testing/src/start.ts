import { randomUUID } from "node:crypto";
import { announceOnce } from "./announce.ts";
import { EtcdCluster } from "./etcd-cluster.ts";
import { EtcdServer } from "./etcd-server.ts";
import type { AdvertisedUrls, EtcdInstallation, MemberAddress } from "./etcd-host.ts";
import { clientUrl, etcdFlags, type ClusterAddress } from "./flags.ts";
import { locateEtcd } from "./locate.ts";
import { show } from "./check-options.ts";
import { checkOptions, type StartEtcdOptions } from "./options.ts";
import { freePorts } from "./ports.ts";
import { isAddressInUse } from "./ready.ts";

const MAX_MEMBERS = 9;
const PORT_ATTEMPTS = 5;
const START_TIMEOUT_MS = 30_000;

/**
 * Starts one etcd, ready to be used.
 * @throws TypeError for a wrong option; EtcdUnavailableError when no etcd can be had.
 */
export async function startEtcd(options: StartEtcdOptions = {}): Promise<EtcdServer> {
  checkOptions(options);
  const [server] = await startMembers(1, options);
  if (server === undefined) throw new Error("unreachable");
  return server;
}

/**
 * Starts a cluster of `size` etcds on this machine, ready to be used.
 * @throws TypeError when `size` is not a whole number from 1 to 9; else as {@link startEtcd}.
 */
export async function startEtcdCluster(size: number, options: StartEtcdOptions = {}): Promise<EtcdCluster> {
  checkClusterOptions(size, options);
  return new EtcdCluster(await startMembers(size, options));
}

/** @internal As {@link startEtcdCluster} checks them. */
export function checkClusterOptions(size: number, options: StartEtcdOptions): void {
  if (!Number.isInteger(size) || size < 1 || size > MAX_MEMBERS) {
    throw new TypeError(`Expected size to be a whole number from 1 to ${MAX_MEMBERS}, got ${show(size)}`);
  }
  checkOptions(options);
}

/** @internal What a member says of itself when it is not reached on its own ports; asked again when it gets other ports. */
export type Advertise = (member: MemberAddress, index: number) => AdvertisedUrls;

/** @internal Starts the members of one new cluster and waits until each of them is healthy. */
export async function startMembers(
  count: number,
  options: StartEtcdOptions,
  advertise?: Advertise,
): Promise<EtcdServer[]> {
  const installation = await locateEtcd(options);
  if (options.quiet !== true) announceOnce(`etcd ${installation.version} from ${installation.description}`);
  for (let attempt = 1; ; attempt++) {
    const members = await createMembers(count, installation, options, advertise);
    try {
      await Promise.all(members.map((member) => member.launch()));
      await Promise.all(members.map((member) => member.ready(options.signal, 0)));
      return members;
    } catch (error) {
      await Promise.all(members.map((member) => member.close()));
      const again = isAddressInUse(error) && attempt < PORT_ATTEMPTS;
      if (!again) throw error;
    }
  }
}

async function createMembers(
  count: number,
  installation: EtcdInstallation,
  options: StartEtcdOptions,
  advertise: Advertise | undefined,
): Promise<EtcdServer[]> {
  const ports = await freePorts(count * 2);
  const members = Array.from({ length: count }, (_, index): MemberAddress => {
    const own = {
      name: `etcd${index}`,
      clientPort: ports[index * 2] ?? 0,
      peerPort: ports[index * 2 + 1] ?? 0,
    };
    return advertise === undefined ? own : { ...own, advertised: advertise(own, index) };
  });
  const cluster: ClusterAddress = { token: randomUUID(), members };
  const hosts = await installation.open(members, options.env ?? {});
  return hosts.map((host, index) => {
    const member = members[index] as MemberAddress;
    return new EtcdServer({
      host,
      name: member.name,
      endpoint: clientUrl(installation, member),
      version: installation.version,
      flags: etcdFlags(member, cluster, installation, host, options),
      startTimeoutMs: options.startTimeoutMs ?? START_TIMEOUT_MS,
    });
  });
}
