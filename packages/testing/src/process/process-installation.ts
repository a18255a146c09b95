import type { FoundBinary } from "../binary/source.ts";
import type { EtcdInstallation } from "../etcd-host.ts";
import { EtcdProcess } from "./etcd-process.ts";

/** A binary that runs as a process of this machine. */
export function processInstallation(binary: FoundBinary): EtcdInstallation {
  return {
    version: binary.version,
    description: `${binary.origin}, ${binary.path}`,
    clientHost: "127.0.0.1",
    listenHost: "127.0.0.1",
    peerHost: () => "127.0.0.1",
    open: (members, env) => Promise.all(members.map(() => EtcdProcess.create(binary, env))),
  };
}
