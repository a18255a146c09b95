import type { StartedNetwork } from "testcontainers";
import { removeWhenGone } from "./last-will.ts";
import type { Testcontainers } from "./testcontainers.ts";

/** The network on which the members of a cluster reach each other by name. */
export interface ClusterNetwork {
  readonly network: StartedNetwork;
  /** A member does not need it any more; the last one removes it. */
  leave(): Promise<void>;
}

/** Gives each cluster a network of its own, because their members have the same names. */
export async function openNetwork(library: Testcontainers, members: number): Promise<ClusterNetwork> {
  const network = await new library.Network().start();
  const release = await removeWhenGone(library, `/networks/${network.getId()}`);
  let left = members;
  return {
    network,
    async leave(): Promise<void> {
      left -= 1;
      if (left > 0) return;
      await network.stop();
      await release();
    },
  };
}
