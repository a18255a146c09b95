import { isEtcdError } from "@quorumkit/core";
import { Election, type Leadership } from "@quorumkit/election";
import type { Pending } from "@quorumkit/testing/history";
import { CAMPAIGN_ELECTION, CALL_MS, RUN_ELECTION, TTL_SECONDS } from "../names.ts";
import type { Random } from "../random.ts";
import { writeGuarded, writeLate } from "./guarded.ts";
import { type Place, alarmUnlessEtcd, repeat, rest } from "./place.ts";

/** The election that is held in terms, which goes on while all else rests. */
export class Terms {
  readonly #place: Place;
  readonly #random: Random;
  readonly #election: Election;
  /** The term at this moment. */
  #leadership: Leadership | undefined;
  #terms = 0;
  /** The campaign that goes on between two terms. */
  #campaign: Pending | undefined;
  /** The leader as observed last. */
  #leader: string | undefined;

  constructor(place: Place) {
    this.#place = place;
    this.#random = place.random.fork("terms");
    this.#election = new Election(place.etcd, RUN_ELECTION, { ttlSeconds: TTL_SECONDS });
  }

  get leads(): string | undefined {
    const leadership = this.#leadership;
    return leadership?.isLeader === true ? String(leadership.fencingToken) : undefined;
  }

  get leader(): string | undefined {
    return this.#leader;
  }

  async run(): Promise<void> {
    const { journal, stopping, name, life } = this.#place;
    const observing = this.#observe();
    await repeat(this.#place, stopping, async () => {
      this.#campaign ??= journal.invoke("acquire", { key: RUN_ELECTION });
      await this.#election.run((leadership) => this.#term(leadership), {
        signal: stopping,
        value: `${name}.${life}`,
        onError: (error) => {
          if (!(error instanceof BrokenTerm)) alarmUnlessEtcd(this.#place, error);
        },
      });
    });
    await this.#election.close();
    await observing;
  }

  async #term(leadership: Leadership): Promise<void> {
    const { claims, tally, resting, report, journal } = this.#place;
    this.#terms += 1;
    // run() promises that there are never two at once.
    if (this.#terms > 1) journal.note("alarm", { value: `run() works ${this.#terms} terms at once` });
    this.#leadership = leadership;
    const token = String(leadership.fencingToken);
    this.#campaign?.ok({ token });
    const { name, key, signal } = leadership;
    claims.add({ kind: "leader", name, token, key, look: () => leadership.isLeader });
    report({ is: "holding", what: "leader", yes: true });
    tally.add("leader.term");
    const until = performance.now() + this.#random.between(500, 5_000);
    try {
      while (!signal.aborted && (resting.aborted || performance.now() < until)) {
        if (!resting.aborted) await writeAsOwner(this.#place, leadership);
        await rest(this.#random.between(50, 200), signal);
      }
      if (!leadership.isLeader) await lost(this.#place, leadership);
      if (this.#random.chance(0.1) && !resting.aborted) throw new BrokenTerm("this term was to fail");
    } finally {
      this.#terms -= 1;
      // It campaigns again after this, and not before.
      this.#campaign = journal.invoke("acquire", { key: RUN_ELECTION });
      report({ is: "holding", what: "leader", yes: false });
    }
  }

  async #observe(): Promise<void> {
    const { journal, tally, stopping } = this.#place;
    for await (const { revision, leader, candidates, stale } of this.#election.observe({
      signal: stopping,
    })) {
      const tokens = candidates.map(({ fencingToken }) => String(fencingToken));
      this.#leader = leader && String(leader.fencingToken);
      if (revision === 0n) continue;
      journal.note("view", { value: { revision: Number(revision), tokens, stale } });
      tally.add("election.view");
    }
  }
}

class BrokenTerm extends Error {}

/** The election whose leaders campaign and resign. */
export async function campaigns(place: Place): Promise<void> {
  const { claims, journal, tally, resting } = place;
  const random = place.random.fork("campaigns");
  const election = new Election(place.etcd, CAMPAIGN_ELECTION, { ttlSeconds: TTL_SECONDS });
  let elected = 0;
  await repeat(place, resting, async () => {
    const pending = journal.invoke("acquire", { key: CAMPAIGN_ELECTION });
    const limits = { signal: resting, timeoutMs: 20_000 };
    const campaign = election.campaign(`${place.name}.${place.life}`, limits);
    const leadership = await campaign.catch((error: unknown) => {
      pending.unknown();
      throw error;
    });
    const { name, key } = leadership;
    const token = String(leadership.fencingToken);
    pending.ok({ token });
    tally.add("leader.elected");
    claims.add({ kind: "leader", name, token, key, look: () => leadership.isLeader });
    const signal = AbortSignal.any([leadership.signal, resting]);
    const until = performance.now() + random.between(100, 2_000);
    while (!signal.aborted && performance.now() < until) {
      await writeAsOwner(place, leadership);
      await rest(random.between(30, 150), signal);
    }
    if (leadership.signal.aborted) await lost(place, leadership);
    else {
      const proclaimed = leadership.proclaim(`term ${(elected += 1)}`, { timeoutMs: CALL_MS });
      await proclaimed.catch((error: unknown) => alarmUnlessEtcd(place, error));
    }
    await leadership.resign({ timeoutMs: CALL_MS });
    tally.add("leader.resigned");
    if (random.chance(0.1)) await writeLate(place, leadership);
    await rest(random.between(50, 300), resting);
  });
  await election.close();
}

async function lost(place: Place, leadership: Leadership): Promise<void> {
  place.tally.add("leader.lost");
  await writeLate(place, leadership);
}

async function writeAsOwner(place: Place, leadership: Leadership): Promise<void> {
  try {
    await writeGuarded(place, leadership);
  } catch (error) {
    if (!isEtcdError(error)) throw error;
  }
}
