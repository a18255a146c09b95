import type { EtcdHost, EtcdInstallation, MemberAddress } from "./etcd-host.ts";
import type { StartEtcdOptions } from "./options.ts";
import { compareVersions } from "./version.ts";

/** What the members of one cluster have in common. */
export interface ClusterAddress {
  /** Keeps two clusters from taking each other for their own, even where one gets ports that the other had. */
  readonly token: string;
  readonly members: readonly MemberAddress[];
}

/** The flags for one member of a new cluster. Timing (heartbeat, election) is etcd's own. */
export function etcdFlags(
  self: MemberAddress,
  cluster: ClusterAddress,
  installation: EtcdInstallation,
  host: EtcdHost,
  options: StartEtcdOptions,
): string[] {
  const { version, listenHost } = installation;
  const peerUrl = ({ name, peerPort, advertised }: MemberAddress): string =>
    advertised?.peerUrl ?? `http://${installation.peerHost(name)}:${peerPort}`;
  const listenUrls = [`http://${listenHost}:${self.clientPort}`, ...(options.clientUrls ?? [])];
  return [
    `--name=${self.name}`,
    `--data-dir=${host.dataDir}`,
    `--listen-client-urls=${listenUrls.join(",")}`,
    `--advertise-client-urls=${self.advertised?.clientUrl ?? clientUrl(installation, self)}`,
    `--listen-peer-urls=http://${listenHost}:${self.peerPort}`,
    `--initial-advertise-peer-urls=${peerUrl(self)}`,
    `--initial-cluster=${cluster.members.map((member) => `${member.name}=${peerUrl(member)}`).join(",")}`,
    `--initial-cluster-token=${cluster.token}`,
    "--initial-cluster-state=new",
    "--logger=zap",
    ...(options.fsync !== true && compareVersions(version, "3.5.0") >= 0 ? ["--unsafe-no-fsync"] : []),
    ...(options.args ?? []),
  ];
}

/** Where this process reaches a member, past whatever it advertises. */
export function clientUrl(installation: EtcdInstallation, member: MemberAddress): string {
  return `http://${installation.clientHost}:${member.clientPort}`;
}
