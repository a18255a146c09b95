import {
  type CompactOptions,
  compare,
  EtcdClient,
  type HeldLock,
  isEtcdError,
  op,
  type Op,
  type Session,
  type Txn,
} from "@quorumkit/core";
import { rpcs } from "@quorumkit/proto";
import type { Side } from "../compare.ts";
import { Connection } from "../connection.ts";
import { clearGround, MARKER } from "../ground.ts";
import { normalise, type Plain } from "../normalise.ts";
import { type Place, resolve } from "../resolve.ts";
import { type Follower, MirrorFollower, WatchFollower } from "./followers.ts";
import type { ApiOp, ApiRead, ApiStep, ApiTxn } from "./steps.ts";
import { unfold } from "./unfold.ts";

/** One of the two servers, as a program sees it that uses EtcdClient. */
export class ApiSide implements Side<ApiStep> {
  readonly #connection: Connection;
  readonly #etcd: EtcdClient;
  readonly #sessions = new Map<number, Session>();
  readonly #locks = new Map<string, HeldLock>();
  readonly #followers: Follower[] = [];
  /** Ids of the leases that the client chose, in their order. */
  #autoLeases: bigint[] = [];
  #base = 0n;
  #now = 0n;

  constructor(endpoint: string) {
    this.#connection = new Connection(endpoint);
    this.#etcd = new EtcdClient({ endpoints: endpoint, timeoutMs: 20_000 });
  }

  async begin(): Promise<void> {
    const { base } = await clearGround(this.#connection);
    this.#base = base;
    this.#now = base;
    this.#autoLeases = [];
  }

  async run(step: ApiStep): Promise<Plain> {
    try {
      const plain = this.#normalise(await this.#do(step));
      return plain;
    } catch (error) {
      if (error instanceof TypeError) return { typeError: error.message };
      if (!isEtcdError(error)) throw error;
      const { code, outcome, compactRevision } = error;
      return this.#normalise({ code, outcome, compactRevision });
    } finally {
      const { header } = await this.#connection.unary(rpcs.kv.range, { key: MARKER });
      this.#now = header?.revision ?? 0n;
    }
  }

  async end(): Promise<void> {
    await Promise.all(this.#followers.splice(0).map((follower) => follower.close()));
    await Promise.all([...this.#sessions.values()].map((session) => session.close()));
    this.#sessions.clear();
    this.#locks.clear();
  }

  async close(): Promise<void> {
    await this.#etcd.close();
    this.#connection.close();
  }

  get #place(): Place {
    return { base: this.#base, now: this.#now, autoLeases: this.#autoLeases };
  }

  #normalise(value: unknown): Plain {
    return normalise(unfold(value), this.#place);
  }

  #revision(reference: unknown): bigint {
    return resolve<bigint>(reference, this.#place);
  }

  async #do(step: ApiStep): Promise<unknown> {
    const etcd = this.#etcd;
    if ("put" in step) {
      const { key, value, ...options } = step.put;
      return await etcd.put(key, value, options);
    }
    if ("get" in step) {
      return await etcd.get(
        step.get,
        step.revision === undefined ? {} : { revision: this.#revision(step.revision) },
      );
    }
    if ("range" in step) return await etcd.range(step.range.range, this.#readOptions(step.range));
    if ("scan" in step) {
      const revision = step.revision === undefined ? {} : { revision: this.#revision(step.revision) };
      const kvs = [];
      for await (const kv of etcd.scan(step.scan, { pageSize: step.pageSize, ...revision })) kvs.push(kv);
      return kvs;
    }
    if ("delete" in step) return await etcd.delete(step.delete, { prevKv: step.prevKv });
    if ("txn" in step) return await this.#txn(step.txn).commit();
    if ("swap" in step) return await etcd.compareAndSwap(step.swap, step.expected, step.next);
    if ("putIfAbsent" in step) return await etcd.putIfAbsent(step.putIfAbsent, step.value);
    if ("putAll" in step) return await etcd.putAll(step.putAll);
    if ("stm" in step) return await this.#transfer(step.stm, step.isolation);
    if ("watch" in step || "mirror" in step || "compact" in step || "settle" in step)
      return await this.#follow(step);
    if ("session" in step || "deleteLock" in step) return await this.#own(step);
    return await this.#lease(step);
  }

  #readOptions({
    range: _range,
    revision,
    ...rest
  }: ApiRead): Omit<ApiRead, "range" | "revision"> & { revision?: bigint } {
    return revision === undefined ? rest : { ...rest, revision: this.#revision(revision) };
  }

  #txn(each: ApiTxn): Txn<readonly Op[], readonly Op[]> {
    const conditions = each.if.map(({ range, version, value }) =>
      version === undefined
        ? compare(range).value.equals(value ?? "")
        : compare(range).version.equals(version),
    );
    return this.#etcd
      .txn()
      .if(...conditions)
      .then(...each.then.map((one) => this.#op(one)))
      .else(...each.else.map((one) => this.#op(one)));
  }

  #op(each: ApiOp): Op {
    if ("put" in each) {
      const { key, value, ...options } = each.put;
      return op.put(key, value, options);
    }
    if ("range" in each) return op.range(each.range.range, this.#readOptions(each.range));
    return "delete" in each ? op.delete(each.delete) : op.txn(this.#txn(each.txn));
  }

  async #transfer(
    [from, to]: readonly [string, string],
    isolation: "serializableSnapshot" | "readCommitted",
  ): Promise<unknown> {
    return await this.#etcd.stm(
      async (tx) => {
        const [one, other] = [await tx.get(from), await tx.get(to)];
        tx.put(to, `${other?.text() ?? ""}${one?.text() ?? ""}`.slice(-6));
        if (from !== to) tx.delete(from);
        return [one?.version ?? 0n, other?.version ?? 0n];
      },
      { isolation },
    );
  }

  async #lease(step: ApiStep): Promise<unknown> {
    const { leases } = this.#etcd;
    if ("grant" in step) return await leases.grant({ id: step.grant, ttlSeconds: step.ttlSeconds });
    if ("revoke" in step) return await leases.revoke(step.revoke);
    if ("keepAliveOnce" in step) return await leases.keepAliveOnce(step.keepAliveOnce);
    if ("leases" in step) return { leases: (await leases.list()).map((ID) => ({ ID })) };
    if (!("timeToLive" in step)) throw new Error(`what is ${JSON.stringify(step)}?`);
    const found = await leases.timeToLive(step.timeToLive, { keys: true });
    if (found === undefined) return "gone";
    const { id, grantedTtlSeconds, keys } = found;
    return { id, grantedTtlSeconds, keys: keys.map(String).toSorted() };
  }

  async #own(step: Extract<ApiStep, { session: number } | { deleteLock: string }>): Promise<unknown> {
    const etcd = this.#etcd;
    if ("deleteLock" in step) return await etcd.delete({ prefix: `${step.deleteLock}/` });
    const number = step.session;
    const session = this.#sessions.get(number);
    if ("sessionPut" in step) {
      return await etcd.put(step.sessionPut, "online", session === undefined ? {} : { lease: session });
    }
    if ("lock" in step) {
      if (session === undefined) return "no session";
      const place = `${step.lock} ${number}`;
      const held = this.#locks.get(place);
      if ("lockedPut" in step) {
        return held === undefined
          ? "not held"
          : await held.txn().then(op.put(step.lockedPut, "mine")).commit();
      }
      if (held !== undefined) {
        this.#locks.delete(place);
        return await held.release();
      }
      const taken = await etcd.lock(step.lock, { session }).tryAcquire();
      if (taken === undefined) return "taken";
      this.#locks.set(place, taken);
      return { revision: taken.fencingToken, held: taken.held };
    }
    if (session !== undefined) {
      this.#sessions.delete(number);
      return await session.close();
    }
    const opened = await etcd.openSession({ ttlSeconds: 60 });
    this.#autoLeases.push(opened.leaseId);
    this.#sessions.set(number, opened);
    return { ttlSeconds: opened.ttlSeconds, alive: opened.alive };
  }

  async #follow(
    step: Extract<
      ApiStep,
      { watch: unknown } | { mirror: unknown } | { compact: unknown } | { settle: true }
    >,
  ): Promise<unknown> {
    const etcd = this.#etcd;
    if ("watch" in step) {
      const start: { startRevision?: bigint } =
        step.start === undefined ? {} : { startRevision: this.#revision(step.start) };
      const filters = step.noDeletes ? { filters: ["delete"] as const } : {};
      const watcher = etcd.watch(step.watch, { prevKv: step.prevKv, ...start, ...filters });
      this.#followers.push(new WatchFollower(watcher, start.startRevision ?? 0n));
      return await watcher.ready();
    }
    if ("mirror" in step) {
      const mirror = await etcd.mirror(step.mirror);
      this.#followers.push(new MirrorFollower(mirror));
      return { state: mirror.state, size: mirror.size };
    }
    // What a watch has not delivered yet may be lost to a compaction, in any etcd.
    const { revision } = await etcd.put(MARKER, "");
    const seen = await Promise.all(this.#followers.map((follower) => follower.seen(revision)));
    if ("settle" in step) return { seen };
    const options: CompactOptions = {};
    try {
      await etcd.compact(this.#revision(step.compact), options);
      return { seen };
    } catch (error) {
      if (!isEtcdError(error)) throw error;
      return { seen, code: error.code, outcome: error.outcome };
    }
  }
}
