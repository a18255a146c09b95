import { releaseFor } from "../binary/release/versions.ts";
import { notFound, type NotFound } from "../binary/source.ts";
import type { EtcdHost, EtcdInstallation, MemberAddress } from "../etcd-host.ts";
import { satisfies } from "../version.ts";
import { EtcdContainer } from "./etcd-container.ts";
import { imageVersion } from "./image-version.ts";
import { openNetwork } from "./network.ts";
import type { Testcontainers } from "./testcontainers.ts";

/**
 * etcd's published image, or the one that `ETCD_IMAGE` names, run by the container engine that testcontainers finds.
 * testcontainers is an optional peer dependency, so it is only loaded here.
 */
export async function findImage(
  asked: string | undefined,
  signal: AbortSignal | undefined,
): Promise<EtcdInstallation | NotFound> {
  const named = process.env["ETCD_IMAGE"];
  const release = releaseFor(asked);
  if ((named === undefined || named === "") && release === undefined) {
    return notFound(`no image of the line ${asked} is known; ask for a full version, or set ETCD_IMAGE`);
  }
  const image = named === undefined || named === "" ? `gcr.io/etcd-development/etcd:v${release}` : named;
  let library: Testcontainers;
  try {
    library = await import("testcontainers");
  } catch {
    return notFound("testcontainers is not installed");
  }
  try {
    const engine = await library.getContainerRuntimeClient();
    signal?.throwIfAborted();
    const version = await imageVersion(library, image);
    if (!satisfies(version, asked)) return notFound(`the image ${image} has etcd ${version}`);
    const { host } = engine.info.containerRuntime;
    return installation(library, image, version, host === "localhost" ? "127.0.0.1" : host);
  } catch (error) {
    signal?.throwIfAborted();
    return notFound((error as Error).message);
  }
}

function installation(
  library: Testcontainers,
  image: string,
  version: string,
  clientHost: string,
): EtcdInstallation {
  return {
    version,
    description: `the image ${image}`,
    clientHost,
    listenHost: "0.0.0.0",
    peerHost: (memberName) => memberName,
    async open(
      members: readonly MemberAddress[],
      env: Readonly<Record<string, string>>,
    ): Promise<EtcdHost[]> {
      const network = await openNetwork(library, members.length);
      return members.map((member) => new EtcdContainer({ library, image, member, env, network }));
    },
  };
}
