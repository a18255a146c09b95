import { EtcdClient } from "@quorumkit/core";
import { Election } from "@quorumkit/election";
import { EmbeddedEtcd } from "@quorumkit/testing";
import { expect, it } from "vitest";
import { ghostOf, withLateCopy } from "./support/late-copy.ts";

it("a campaign that is sent twice, and applied once more after resign(), leaves no leader on a session that lives on", async () => {
  await using server = await EmbeddedEtcd.start({ members: 2, quiet: true });
  await using etcd = new EtcdClient({ endpoints: server.endpoints });
  await using session = await etcd.openSession({ ttlSeconds: 60 });
  await using election = new Election(etcd, "late", { session });
  const { result: leadership, late } = await withLateCopy(server, async () => election.campaign("first"));
  await leadership.resign();
  expect(await ghostOf(server, "late/", late)).toEqual(["put", "delete"]);
  await using others = new Election(etcd, "late");
  const next = await others.campaign("other", { timeoutMs: 10_000 });
  expect(next.isLeader).toBe(true);
  expect(session.alive).toBe(true);
});
