import { type ConnectionState, type ConnectionStatus, EtcdClient, type EndpointState } from "@quorumkit/core";
import { type EtcdServer, startEtcd } from "@quorumkit/testing";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type ConnectionEvent, NOTHING_KNOWN, transition } from "../src/transport/connection-state.ts";
import { startTcpProxy } from "./support/tcp-proxy.ts";

/** Long enough for a machine with much else to do. */
const EVENTUALLY = { timeout: 15_000 };

let server: EtcdServer;
beforeAll(async () => {
  server = await startEtcd();
});
afterAll(async () => {
  await server.close();
});

const LISTED: ConnectionEvent = { type: "listed", urls: ["a", "b", "c"] };
const used = (url: string): ConnectionEvent => ({ type: "used", url });
const answered = (url: string): ConnectionEvent => ({ type: "answered", url });
const failed = (url: string, reason = "broke"): ConnectionEvent => ({ type: "failed", url, reason });
const learner = (url: string): ConnectionEvent => ({ type: "learner", url, reason: "no vote" });

function after(...events: readonly ConnectionEvent[]): ConnectionStatus {
  return [LISTED, ...events].reduce<ConnectionStatus>(
    (status, event) => transition(status, event),
    NOTHING_KNOWN,
  );
}

describe("the state machine", () => {
  const cases: readonly [name: string, events: readonly ConnectionEvent[], state: ConnectionState][] = [
    ["nothing was asked", [], "idle"],
    ["the first endpoint is being tried", [used("a")], "connecting"],
    ["one answered", [used("a"), answered("a")], "ready"],
    ["one answered and another is being tried", [answered("a"), used("b")], "ready"],
    ["one fails, and the others have not been tried", [used("a"), failed("a")], "connecting"],
    ["one fails and one answered", [failed("a"), answered("b")], "degraded"],
    ["all fail", [failed("a"), failed("b"), failed("c")], "unavailable"],
    ["all failed and one is back", [failed("a"), failed("b"), failed("c"), answered("b")], "degraded"],
    ["all failed and are back", [failed("a"), answered("a")], "ready"],
    ["one is a learner and one answered", [learner("a"), answered("b")], "ready"],
    ["all are learners", [learner("a"), learner("b"), learner("c")], "unavailable"],
    ["the failing one left the list", [failed("a"), answered("b"), { type: "listed", urls: ["b"] }], "ready"],
    ["it was closed", [answered("a"), { type: "closed" }], "closed"],
    ["it was closed and something happens", [{ type: "closed" }, answered("a")], "closed"],
  ];
  it.each(cases)("%s", (_name, events, state) => {
    expect(after(...events).state).toBe(state);
  });

  it("keeps reason and time of a state, and the object when nothing changed", () => {
    const [early, late] = [new Date(1000), new Date(2000)];
    const first = transition(after(), failed("b", "refused"), early);
    expect(first.endpoints[1]).toEqual({ url: "b", state: "failing", lastError: "refused", since: early });
    expect(transition(first, failed("b", "refused"), late)).toBe(first);
    const second = transition(first, failed("b", "silent"), late);
    expect(second.endpoints[1]).toEqual({ url: "b", state: "failing", lastError: "silent", since: early });
    const third = transition(second, answered("b"), late);
    expect(third.endpoints[1]).toEqual({ url: "b", state: "ready", lastError: undefined, since: late });
    // A first use is not news of an endpoint that is known.
    expect(transition(third, used("b"), late)).toBe(third);
    expect(transition(third, failed("elsewhere"), late)).toBe(third);
  });
});

describe("a client's connection", () => {
  it("is idle until the first call, and tells each change as an event that is also the value", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    const etcd = new EtcdClient({ endpoints: proxy.endpoint, timeoutMs: 500 });
    const seen: [ConnectionState, EndpointState | undefined][] = [];
    etcd.connection.on("change", (status) => {
      expect(status).toBe(etcd.connection.status);
      seen.push([status.state, status.endpoints[0]?.state]);
    });
    expect(etcd.connection.state).toBe("idle");
    expect(etcd.connection.endpoints).toMatchObject([{ url: proxy.endpoint, state: "idle" }]);
    await etcd.get("a");
    proxy.refuse();
    await expect(etcd.get("a")).rejects.toMatchObject({ code: "UNAVAILABLE" });
    const [failing] = etcd.connection.endpoints;
    expect(failing?.lastError).toMatch(/connection|ECONN/i);
    expect(failing?.since.getTime()).toBeLessThanOrEqual(Date.now());
    proxy.accept();
    await etcd.get("a", { timeoutMs: 10_000 });
    await etcd.close();
    expect(etcd.connection.state).toBe("closed");
    expect(seen).toEqual([
      ["connecting", "connecting"],
      ["ready", "ready"],
      ["unavailable", "failing"],
      ["ready", "ready"],
      ["closed", "ready"],
    ]);
  });

  it("is degraded while one endpoint of two fails", async () => {
    await using failing = await startTcpProxy(server.endpoint);
    failing.refuse();
    await using etcd = new EtcdClient({ endpoints: [server.endpoint, failing.endpoint] });
    await vi.waitFor(async () => {
      await etcd.get("a");
      expect(etcd.connection.state).toBe("degraded");
    }, EVENTUALLY);
  });

  it("is that of the cluster in a namespace, too", async () => {
    await using etcd = new EtcdClient({ endpoints: server.endpoint });
    expect(etcd.namespace("inside/").connection).toBe(etcd.connection);
  });
});
