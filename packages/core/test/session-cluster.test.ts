import { setTimeout as pause } from "node:timers/promises";
import { compare, EtcdClient, op } from "@quorumkit/core";
import { type EtcdServer, startEtcdCluster } from "@quorumkit/testing";
import { describe, expect, it } from "vitest";

describe("a session in a cluster", () => {
  it("outlives a member that hangs: the renewal moves to another", async () => {
    await using cluster = await startEtcdCluster(3);
    const leader = await cluster.leader();
    const follower = cluster.members.find((each) => each !== leader) as EtcdServer;
    await using etcd = new EtcdClient({ endpoints: cluster.endpoints });
    // Wherever its stream is: a follower hangs, and then the leader.
    const session = await etcd.openSession({ ttlSeconds: 5 });
    await etcd.put("moved", "1", { lease: session.lease });
    for (const member of [follower, leader]) {
      await member.pause();
      // Longer than the TTL, so that it lives on renewals made while the member hangs.
      await pause(6_000);
      expect(session.signal.aborted).toBe(false);
      expect(session.alive).toBe(true);
      // Asked now and not after the end: a leader that wakes up may still revoke, for a moment, what it believes to have
      // expired (etcd#15247). Only a fencing token helps against that.
      const { succeeded } = await etcd
        .txn()
        .if(compare("moved").lease.equals(session.leaseId))
        .then(op.get("moved"))
        .commit({ repeatable: true });
      expect(succeeded).toBe(true);
      await member.resume();
      await cluster.leader();
    }
  });
});
