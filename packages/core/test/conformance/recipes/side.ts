import type { ServiceError } from "@grpc/grpc-js";
import { type LeaderKeyInput, rpcs } from "@quorumkit/proto";
import type { Side } from "../compare.ts";
import { Connection } from "../connection.ts";
import { clearGround } from "../ground.ts";
import { normalise, type Plain } from "../normalise.ts";
import type { RecipeStep } from "./steps.ts";

/** A call that stands in a queue. */
interface Waiting {
  readonly prefix: string;
  readonly createRevision: bigint;
  readonly answer: Promise<Plain>;
}

/** One of the two servers, as clients of its lock and election services see it. */
export class RecipeSide implements Side<RecipeStep> {
  readonly #connection: Connection;
  #waiting: Waiting[] = [];
  /** Create revisions of the places that were taken, by key. */
  readonly #places = new Map<string, bigint>();
  #base = 0n;

  constructor(endpoint: string) {
    this.#connection = new Connection(endpoint);
  }

  async begin(): Promise<void> {
    this.#places.clear();
    ({ base: this.#base } = await clearGround(this.#connection));
  }

  async run(step: RecipeStep): Promise<Plain> {
    const answer = await this.#do(step);
    return { answer, others: await this.#turns() };
  }

  /** Those who wait get their turn, as all places go. */
  async end(): Promise<void> {
    await clearGround(this.#connection);
    await Promise.all(this.#waiting.map(({ answer }) => answer));
    this.#waiting = [];
  }

  close(): void {
    this.#connection.close();
  }

  async #do(step: RecipeStep): Promise<Plain> {
    const unary = this.#connection.unary.bind(this.#connection);
    if ("grant" in step)
      return await this.#outcome(unary(rpcs.lease.leaseGrant, { ID: step.grant, TTL: 300n }));
    if ("revoke" in step) return await this.#outcome(unary(rpcs.lease.leaseRevoke, { ID: step.revoke }));
    if ("remove" in step)
      return await this.#outcome(unary(rpcs.kv.deleteRange, { key: placeOf(step.remove, step.lease) }));
    if ("unlock" in step)
      return await this.#outcome(unary(rpcs.lock.unlock, { key: placeOf(step.unlock, step.lease) }));
    if ("leader" in step)
      return await this.#outcome(unary(rpcs.election.leader, { name: Buffer.from(step.leader) }));
    if ("resign" in step) {
      return await this.#outcome(
        unary(rpcs.election.resign, { leader: this.#leader(step.resign, step.lease) }),
      );
    }
    if ("proclaim" in step) {
      const leader = this.#leader(step.proclaim, step.lease);
      return await this.#outcome(unary(rpcs.election.proclaim, { leader, value: Buffer.from(step.value) }));
    }
    if ("lock" in step) {
      const name = Buffer.from(step.lock);
      return await this.#enter(step.lock, step.lease, unary(rpcs.lock.lock, { name, lease: step.lease }));
    }
    const request = { name: Buffer.from(step.campaign), lease: step.lease, value: Buffer.from(step.value) };
    return await this.#enter(step.campaign, step.lease, unary(rpcs.election.campaign, request));
  }

  /** Gives the answer, or says that it waits behind others. */
  async #enter(name: string, lease: bigint, entering: Promise<object>): Promise<Plain> {
    const key = placeOf(name, lease).toString();
    const call = { answered: false };
    const answer = this.#outcome(entering).finally(() => (call.answered = true));
    const arrived = async (): Promise<Waiting | undefined> => {
      while (!call.answered) {
        const { kvs } = await this.#connection.unary(rpcs.kv.range, { key: Buffer.from(key) });
        const [kv] = kvs;
        if (kv !== undefined) return { prefix: `${name}/`, createRevision: kv.createRevision, answer };
      }
      return undefined;
    };
    const place = await arrived();
    if (place !== undefined) {
      this.#places.set(key, place.createRevision);
      if (await this.#isBehind(place)) {
        this.#waiting.push(place);
        return "waits";
      }
    }
    const plain = await answer;
    if (place === undefined) await this.#remember(key);
    return plain;
  }

  async #remember(key: string): Promise<void> {
    const { kvs } = await this.#connection.unary(rpcs.kv.range, { key: Buffer.from(key) });
    const [kv] = kvs;
    if (kv !== undefined) this.#places.set(key, kv.createRevision);
  }

  /** The answers of those whose turn has come. */
  async #turns(): Promise<Plain> {
    const answers: Plain[] = [];
    const still: Waiting[] = [];
    for (const waiting of this.#waiting) {
      if (await this.#isBehind(waiting)) still.push(waiting);
      else answers.push(await waiting.answer);
    }
    this.#waiting = still;
    return answers;
  }

  async #isBehind({ prefix, createRevision }: Waiting): Promise<boolean> {
    const key = Buffer.from(prefix);
    const rangeEnd = Buffer.from(`${prefix.slice(0, -1)}0`);
    const { kvs } = await this.#connection.unary(rpcs.kv.range, { key, rangeEnd });
    return kvs.some((kv) => kv.createRevision < createRevision);
  }

  #leader(name: string, lease: bigint): LeaderKeyInput {
    const key = placeOf(name, lease);
    return { name: Buffer.from(name), key, lease, rev: this.#places.get(key.toString()) ?? 1n };
  }

  async #outcome(call: Promise<object>): Promise<Plain> {
    const origin = { base: this.#base, autoLeases: [] };
    try {
      return normalise(await call, origin);
    } catch (error) {
      const { code, details } = error as ServiceError;
      if (typeof code !== "number") throw error;
      return { code, details };
    }
  }
}

/** Where a lease stands in a queue, by the rule of Go's `concurrency` package. */
function placeOf(name: string, lease: bigint): Buffer {
  return Buffer.from(`${name}/${lease.toString(16)}`);
}
