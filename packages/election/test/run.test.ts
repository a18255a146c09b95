import { isEtcdError } from "@quorumkit/core";
import { deferred } from "@quorumkit/core/internal";
import { Election, type Leadership } from "@quorumkit/election";
import { describe, expect, it, onTestFinished } from "vitest";
import { eventually, queueUp, reasonOf, useEtcd } from "./support/harness.ts";

const harness = useEtcd();
const { newName, keysOf } = harness;

function newElection(name: string): Election {
  const election = new Election(harness.etcd, name);
  onTestFinished(() => election.close());
  return election;
}

describe("run", () => {
  it("runs the function in term after term, one at a time, and ends with the signal", async () => {
    const name = newName();
    const stop = new AbortController();
    const tokens: bigint[] = [];
    let running = 0;
    const ended = newElection(name).run(
      async (leadership) => {
        running += 1;
        expect(running).toBe(1);
        expect(leadership.isLeader).toBe(true);
        expect(await keysOf(name)).toContain(leadership.key);
        tokens.push(leadership.fencingToken);
        running -= 1;
        if (tokens.length === 3) stop.abort();
      },
      { signal: stop.signal, value: "runner" },
    );
    await ended;
    expect(tokens).toEqual([...tokens].sort((a, b) => (a < b ? -1 : 1)));
    expect(new Set(tokens).size).toBe(3);
    expect(await keysOf(name)).toEqual([]);
  });

  it("tells the function to stop, and keeps the leadership until it has", async () => {
    const name = newName();
    const stop = new AbortController();
    const started = deferred<Leadership>();
    const mayEnd = deferred<void>();
    const ended = newElection(name).run(
      async (leadership) => {
        started.resolve(leadership);
        await mayEnd.promise;
      },
      { signal: stop.signal },
    );
    const leadership = await started.promise;
    const next = await queueUp(newElection(name), "next");
    stop.abort(new Error("deploying"));
    expect(await reasonOf(leadership.signal)).toMatchObject({
      code: "ABORTED",
      cause: { message: "deploying" },
    });
    expect(leadership.isLeader).toBe(true);
    await leadership.proclaim("finishing");
    expect((await keysOf(name))[0]).toBe(leadership.key);
    mayEnd.resolve();
    await ended;
    expect(leadership.isLeader).toBe(false);
    expect((await next.elected).isLeader).toBe(true);
  });

  it("awaits the function after a loss before it stands for election again", async () => {
    const name = newName();
    const stop = new AbortController();
    const terms: Leadership[] = [];
    const mayEnd = deferred<void>();
    let running = 0;
    const ended = newElection(name).run(
      async (leadership) => {
        running += 1;
        expect(running).toBe(1);
        terms.push(leadership);
        if (terms.length === 1) await mayEnd.promise;
        else await reasonOf(leadership.signal);
        running -= 1;
      },
      { signal: stop.signal },
    );
    await eventually(() => terms.length).toBe(1);
    const [first] = terms;
    await harness.etcd.delete(first?.key ?? "");
    expect(await reasonOf(first?.signal ?? AbortSignal.abort())).toMatchObject({ code: "KEY_DELETED" });
    // The function of the first term still works: nobody of this process may be elected meanwhile.
    const other = await newElection(name).campaign("other");
    expect(await keysOf(name)).toEqual([other.key]);
    mayEnd.resolve();
    await eventually(async () => (await keysOf(name)).length).toBe(2);
    await other.resign();
    await eventually(() => terms.length).toBe(2);
    expect(terms[1]?.fencingToken).toBeGreaterThan(other.fencingToken);
    stop.abort();
    await ended;
    expect(await keysOf(name)).toEqual([]);
  });

  it("resigns, reports and goes on when the function fails", async () => {
    const name = newName();
    const stop = new AbortController();
    const errors: unknown[] = [];
    const broken = new Error("broken");
    let calls = 0;
    await newElection(name).run(
      async () => {
        calls += 1;
        if (calls === 1) throw broken;
        stop.abort();
      },
      { signal: stop.signal, onError: (error) => errors.push(error) },
    );
    expect(calls).toBe(2);
    expect(errors).toEqual([broken]);
    expect(await keysOf(name)).toEqual([]);
  });

  it("does not report what the function throws because it was told to stop", async () => {
    const stop = new AbortController();
    const errors: unknown[] = [];
    const started = deferred<void>();
    const ended = newElection(newName()).run(
      async (leadership) => {
        started.resolve();
        await reasonOf(leadership.signal);
        leadership.signal.throwIfAborted();
      },
      { signal: stop.signal, onError: (error) => errors.push(error) },
    );
    await started.promise;
    stop.abort();
    await ended;
    expect(errors).toEqual([]);
  });

  it("ends while it waits for its turn, too", async () => {
    const name = newName();
    const leader = await newElection(name).campaign("leader");
    const stop = new AbortController();
    const ended = newElection(name).run(() => expect.unreachable(), { signal: stop.signal });
    await eventually(async () => (await keysOf(name)).length).toBe(2);
    stop.abort();
    await ended;
    expect(await keysOf(name)).toEqual([leader.key]);
  });

  it("is refused while another one of the same election and client goes on", async () => {
    const name = newName();
    const stop = new AbortController();
    const first = newElection(name).run((leadership) => reasonOf(leadership.signal).then(() => {}), {
      signal: stop.signal,
    });
    await expect(newElection(name).run(() => {})).rejects.toSatisfy((error) =>
      isEtcdError(error, "LOCK_HELD"),
    );
    stop.abort();
    await first;
    await newElection(name).run(() => stop.abort(), { signal: AbortSignal.abort() });
  });

  it("ends with an error that does not pass: the loss of the caller's session", async () => {
    const name = newName();
    const session = await harness.etcd.openSession();
    const election = new Election(harness.etcd, name, { session });
    onTestFinished(() => election.close());
    const terms: unknown[] = [];
    const ended = election.run(async (leadership) => {
      void session.close();
      terms.push(await reasonOf(leadership.signal));
    });
    await expect(ended).rejects.toMatchObject({ code: "CLOSED" });
    expect(terms).toMatchObject([{ code: "CLOSED" }]);
    expect(await keysOf(name)).toEqual([]);
  });

  it("close() tells the function to stop, awaits it, and resigns", async () => {
    const name = newName();
    const election = newElection(name);
    const started = deferred<Leadership>();
    const log: string[] = [];
    const ended = election.run(async (leadership) => {
      started.resolve(leadership);
      expect(await reasonOf(leadership.signal)).toMatchObject({ code: "CLOSED" });
      expect(await keysOf(name)).toEqual([leadership.key]);
      log.push("stopped");
    });
    await started.promise;
    await election.close();
    log.push("closed");
    await ended;
    expect(log).toEqual(["stopped", "closed"]);
    expect(await keysOf(name)).toEqual([]);
  });
});
