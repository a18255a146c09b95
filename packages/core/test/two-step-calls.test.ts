import { Server, ServerCredentials } from "@grpc/grpc-js";
import { EtcdClient } from "@quorumkit/core";
import { AlarmAction, AlarmType, services, type MethodHandler } from "@quorumkit/proto";
import { EmbeddedEtcd } from "@quorumkit/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

let server: EmbeddedEtcd;
let etcd: EtcdClient;
/** A member that does not lead. */
let next: EmbeddedEtcd["members"][number];
beforeAll(async () => {
  server = await EmbeddedEtcd.start({ members: 3 });
  etcd = new EtcdClient({ endpoints: server.endpoints });
});
beforeEach(() => {
  const follower = server.members.find(({ id }) => id !== server.leader?.id);
  if (follower === undefined) throw new Error("everybody leads");
  next = follower;
});
afterAll(async () => {
  await etcd.close();
  await server.close();
});

describe("a move of the leader", () => {
  it("whose answer is lost has succeeded where the new one leads", async () => {
    const lost = server.failCall("MoveLeader", { after: true });
    await etcd.maintenance.moveLeader(next.id);
    expect(lost.failed).toBe(1);
    expect(server.leader?.id).toBe(next.id);
  });

  it("that was lost, and is refused since another one leads, is unknown", async () => {
    const former = server.leader;
    const target = server.members.findLast(({ id }) => id !== former?.id);
    if (former === undefined || target === undefined) throw new Error("no other member");
    const held = server.hold("MoveLeader", { before: true });
    const lost = server.failCall("MoveLeader");
    const moved = etcd.maintenance.moveLeader(target.id).catch((error: unknown) => error);
    await held.reached();
    former.cutOff();
    former.rejoin();
    held.release();
    expect(await moved).toMatchObject({ code: "FAILED_PRECONDITION", outcome: "unknown" });
    expect(lost.failed).toBe(1);
    expect(server.leader?.id).not.toBe(target.id);
  });

  it("takes no longer than its deadline, the search for the leader included", async () => {
    const search = server.hold("Status");
    const move = server.hold("MoveLeader");
    const startedAt = performance.now();
    const moved = etcd.maintenance.moveLeader(next.id, { timeoutMs: 800 }).catch((error: unknown) => error);
    await search.reached();
    setTimeout(() => search.release(), 600);
    expect(await moved).toMatchObject({ code: "TIMEOUT", outcome: "unknown" });
    expect(performance.now() - startedAt).toBeLessThan(1_200);
    move.release();
  });
});

describe("disarming an alarm", () => {
  it("takes no longer than its deadline, the list of alarms included", async () => {
    const fake = new Server();
    const alarm: MethodHandler<typeof services.maintenance.alarm> = ({ request }, answer) => {
      const alarms = [{ memberID: 1n, alarm: AlarmType.NOSPACE }];
      // It lists them late, and disarms none.
      if (request.action === AlarmAction.GET) setTimeout(() => answer(null, { alarms }), 600);
    };
    fake.addService({ alarm: services.maintenance.alarm }, { alarm });
    const port = await new Promise<number>((resolve, reject) => {
      fake.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
    await using client = new EtcdClient({ endpoints: `http://127.0.0.1:${port}` });
    const startedAt = performance.now();
    await expect(client.maintenance.disarm({ timeoutMs: 800 })).rejects.toMatchObject({
      code: "TIMEOUT",
      outcome: "unknown",
    });
    expect(performance.now() - startedAt).toBeLessThan(1_200);
    fake.forceShutdown();
  });
});
