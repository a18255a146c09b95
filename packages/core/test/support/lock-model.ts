import type { EtcdClient, HeldLock, Lock, Session } from "@quorumkit/core";
import { deferred } from "@quorumkit/core/internal";
import * as fc from "fast-check";
import { expect } from "vitest";
import { keysOf } from "./locking.ts";

/** A place as the rules see it. `kind` is which of the locks was asked: a reader's or a writer's, say. */
interface Place {
  readonly kind: number;
  held: boolean;
}

/** What a lock of this sort promises, said without etcd. */
export interface LockModel {
  readonly name: string;
  /** The locks a session can ask, one for each kind. */
  readonly locks: (session: Session) => readonly Lock[];
  /** Marks who holds it, of places in the order of arrival. */
  readonly admit: (places: readonly Place[]) => void;
  /** Whether one that does not want to wait gets in. */
  readonly free: (kind: number, places: readonly Place[]) => boolean;
}

export interface Command {
  readonly do: "acquire" | "try" | "release" | "abort" | "revoke" | "delete";
  readonly kind: number;
  readonly who: number;
}

export const commands: fc.Arbitrary<Command[]> = fc.array(
  fc.record({
    do: fc.constantFrom(
      "acquire",
      "acquire",
      "acquire",
      "try",
      "release",
      "release",
      "abort",
      "revoke",
      "delete",
    ),
    kind: fc.nat({ max: 9 }),
    who: fc.nat({ max: 99 }),
  }),
  { minLength: 5, maxLength: 25 },
);

interface RealPlace extends Place {
  readonly session: Session;
  readonly controller: AbortController;
  readonly acquired: Promise<HeldLock>;
  really: HeldLock | undefined;
}

/** Runs the commands against etcd and against the model, and compares who holds the lock after each of them. */
export async function expectAsModelled(
  etcd: EtcdClient,
  model: LockModel,
  steps: readonly Command[],
): Promise<void> {
  let places: RealPlace[] = [];
  const sessions: Session[] = [];
  const remove = (gone: RealPlace): void => {
    places = places.filter((each) => each !== gone);
  };
  const pick = (from: readonly RealPlace[], who: number): RealPlace | undefined => from[who % from.length];
  const open = async (): Promise<Session> => {
    const session = await etcd.openSession();
    sessions.push(session);
    return session;
  };

  const run = async (step: Command): Promise<void> => {
    switch (step.do) {
      case "acquire": {
        const session = await open();
        const locks = model.locks(session);
        const kind = step.kind % locks.length;
        const controller = new AbortController();
        const queued = deferred<void>();
        const acquired = (locks[kind] as Lock).acquire({
          signal: controller.signal,
          onWaiting: () => queued.resolve(),
        });
        const place: RealPlace = { kind, held: false, session, controller, acquired, really: undefined };
        acquired.then(
          (held) => {
            place.really = held;
            queued.resolve();
          },
          (error: unknown) => queued.reject(error),
        );
        queued.promise.catch(() => {});
        places.push(place);
        return queued.promise;
      }
      case "try": {
        const session = await open();
        const locks = model.locks(session);
        const kind = step.kind % locks.length;
        const expected = model.free(kind, places);
        const held = await (locks[kind] as Lock).tryAcquire();
        expect(held !== undefined).toBe(expected);
        if (held === undefined) return;
        const acquired = Promise.resolve(held);
        places.push({
          kind,
          held: true,
          session,
          controller: new AbortController(),
          acquired,
          really: held,
        });
        return;
      }
      case "release": {
        const place = pick(
          places.filter(({ held }) => held),
          step.who,
        );
        if (place === undefined) return;
        remove(place);
        return place.really?.release();
      }
      case "abort": {
        const place = pick(
          places.filter(({ held }) => !held),
          step.who,
        );
        if (place === undefined) return;
        remove(place);
        place.controller.abort();
        return expect(place.acquired).rejects.toMatchObject({ code: "ABORTED" });
      }
      case "revoke":
      case "delete": {
        const place = pick(places, step.who);
        if (place === undefined) return;
        remove(place);
        if (step.do === "revoke") await etcd.leases.revoke(place.session.lease);
        else await deleteKeys(etcd, model.name, place.session);
        const code = step.do === "revoke" ? /LEASE_NOT_FOUND|KEY_DELETED/ : /KEY_DELETED/;
        if (!place.held) return expect(place.acquired).rejects.toThrow(code);
        const { signal } = place.really as HeldLock;
        return expect.poll(() => String(signal.reason), { interval: 2 }).toMatch(code);
      }
    }
  };

  for (const step of steps) {
    await run(step);
    model.admit(places);
    await expect
      .poll(() => places.map(({ really }) => really?.held === true), { interval: 2 })
      .toEqual(places.map(({ held }) => held));
    // Tokens are in the order of arrival.
    const tokens = places.flatMap(({ really }) => (really === undefined ? [] : [really.fencingToken]));
    expect(tokens).toEqual([...tokens].sort((a, b) => Number(a - b)));
  }
  for (const place of places.filter(({ held }) => !held)) {
    place.controller.abort();
    await place.acquired.catch(() => {});
  }
  for (const { really } of places) await really?.release();
  expect(await keysOf(etcd, model.name)).toEqual([]);
  await Promise.all(sessions.map(async (session) => session.close()));
}

async function deleteKeys(etcd: EtcdClient, name: string, session: Session): Promise<void> {
  const { kvs } = await etcd.range({ prefix: `${name}/` });
  for (const { key, lease } of kvs) if (lease === session.leaseId) await etcd.delete(key);
}
