import {
  type Bytes,
  type CallOptions,
  type EtcdClient,
  EtcdError,
  type HeldLock,
  isEtcdError,
} from "@quorumkit/core";
import {
  CALL_OPTIONS,
  checkCallOptions,
  checkClient,
  claim,
  FairQueue,
  onAbort,
  refuseUnknown,
  Scope,
  signalOption,
  type WaitOptions,
} from "@quorumkit/core/internal";
import { setMaxListeners } from "node:events";
import { hostname } from "node:os";
import { campaign, type CampaignParts } from "./campaign.ts";
import { Leadership } from "./leadership.ts";
import { observe } from "./observe.ts";
import { checkElectionOptions, checkFunction, checkValue, type ElectionOptions } from "./options.ts";
import { type LeaderFunction, type RunOptions, runTerms } from "./run.ts";
import { Candidate, type ElectionView } from "./view.ts";

export interface CampaignOptions {
  /** Ends the wait; it rejects with `ABORTED` and leaves no key behind. No effect once elected. */
  readonly signal?: AbortSignal | undefined;
  /** Gives up with `TIMEOUT` after so many milliseconds. @default waits as long as it takes */
  readonly timeoutMs?: number | undefined;
  /** Called with the candidate right before ours, each time it is another one: who keeps us waiting. */
  readonly onWaiting?: WaitOptions["onWaiting"];
}

export interface ObserveOptions {
  /** Ends the loop. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * An election by name: of all who campaign, the one who came first leads, until it resigns or is lost. Keys and order are
 * those of Go's `concurrency.Election`, so `etcdctl elect <name>` and Go programs stand in the same election. No name may
 * continue another's path: candidates of `a/b` would count in `a`.
 */
export class Election implements AsyncDisposable {
  readonly name: string;
  readonly #client: EtcdClient;
  readonly #parts: CampaignParts;
  readonly #closing = new AbortController();
  readonly #ongoing = new Set<Promise<unknown>>();
  readonly #terms = new Set<HeldLock>();
  /** Over, but etcd could not be told. */
  readonly #unresigned = new Set<HeldLock>();
  #closed: Promise<void> | undefined;

  /** No I/O. @throws TypeError for an empty name and for wrong options. */
  constructor(etcd: EtcdClient, name: string, options: ElectionOptions = {}) {
    checkClient(etcd);
    const { ttlSeconds, session } = checkElectionOptions(etcd, options);
    this.#client = etcd;
    // Every campaign, run and observer listens to it.
    setMaxListeners(0, this.#closing.signal);
    this.#parts = { client: etcd, queue: new FairQueue(etcd, name), ttlSeconds, session };
    this.name = name;
  }

  /**
   * Stands for election, and resolves when elected. A place lost while waiting (key deleted, lease expired) is taken again,
   * at the end of the queue.
   *
   * @throws EtcdError `ABORTED`, `TIMEOUT`, `CLOSED`; what kept it from queuing at all; with a session of the caller's the
   * reason of its loss, and `LOCK_HELD` when that session stands in this election already.
   */
  async campaign(value: Bytes, options: CampaignOptions = {}): Promise<Leadership> {
    refuseUnknown(options, [...CALL_OPTIONS, "onWaiting"], "campaign");
    const { signal, timeoutMs, onWaiting } = options;
    checkValue(value);
    checkCallOptions({ signal, timeoutMs });
    if (onWaiting !== undefined) checkFunction(onWaiting, "onWaiting");
    const held = await this.#track(this.#campaign(value, { signal, timeoutMs, onWaiting }));
    this.#terms.add(held);
    onAbort(held.signal, () => this.#terms.delete(held));
    if (this.#closing.signal.aborted) {
      // Elected at the very moment of the close.
      await this.#resign(held);
      throw this.#closing.signal.reason;
    }
    return new Leadership(held, value, {
      signal: held.signal,
      resign: async (limits) => this.#resign(held, limits),
    });
  }

  /**
   * Runs `fn` each time this process is elected, again and again until the signal aborts or the election is closed; then it
   * resolves. `fn` starts after the election is confirmed; `leadership.signal` tells it to stop; it is awaited before the
   * leadership is resigned and before the next campaign, so there are never two at once. When `fn` returns, its term is
   * over and the next candidate's turn, and this one queues again after about a second; when it throws, after longer pauses.
   *
   * @throws EtcdError what does not pass by itself, such as `PERMISSION_DENIED`; the loss of a session of the caller's;
   * `LOCK_HELD` when this client runs something for this election already.
   */
  async run(fn: LeaderFunction, options: RunOptions = {}): Promise<void> {
    checkFunction(fn, "fn");
    refuseUnknown(options, ["signal", "value", "onError"], "run");
    const { signal, value = `${hostname()}:${process.pid}`, onError = warn } = options;
    checkValue(value);
    signalOption(signal);
    checkFunction(onError, "onError");
    this.#assertOpen();
    const what = `election ${JSON.stringify(this.name)}`;
    const unclaim = claim(this.#client, `run ${this.name}`, `${what}: run() is going on already`);
    const scope = new Scope([signal, this.#closing.signal], { what });
    const terms = runTerms({
      what,
      value,
      fn,
      onError,
      signal: scope.signal,
      campaign: (stop) => this.#campaign(value, { signal: stop }),
      resign: (held, limits) => this.#resign(held, limits),
    });
    try {
      await this.#track(terms);
    } finally {
      scope.close();
      unclaim();
    }
  }

  /**
   * Everybody in this election, as it changes: the leader or that there is none, all candidates in order, and whether etcd
   * can be heard. The first view comes when that is known, or when it cannot be found out: then it is empty and `stale`, with
   * `error` telling why, and the loop goes on trying. A slow loop gets the newest view, not every one. It ends with the
   * signal, a `break`, or `close()`, and with nothing else but a closed client.
   */
  observe(options: ObserveOptions = {}): AsyncIterable<ElectionView> {
    refuseUnknown(options, ["signal"], "observe");
    signalOption(options.signal);
    return { [Symbol.asyncIterator]: () => this.#observe(options.signal) };
  }

  /** Who leads at this moment, asked of a majority of etcd; undefined when nobody does. */
  async leader(options: CallOptions = {}): Promise<Candidate | undefined> {
    refuseUnknown(options, CALL_OPTIONS, "leader");
    this.#assertOpen();
    const first = { sort: { by: "createRevision", order: "ascending" }, limit: 1 } as const;
    const { kvs } = await this.#client.range({ prefix: this.#parts.queue.prefix }, { ...options, ...first });
    return kvs[0] && new Candidate(kvs[0]);
  }

  /**
   * Ends campaigns with `CLOSED`, tells running functions to stop and awaits them, resigns every leadership, ends the
   * loops over `observe()`. A function of `run()` must not await it, since it is awaited itself.
   *
   * May be called again, and then tries again what failed.
   *
   * @throws EtcdError when etcd could not be told of a resignation and the election uses a session of yours, see
   * {@link Leadership.resign}.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close().finally(() => {
      if (this.#unresigned.size > 0) this.#closed = undefined;
    });
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#closing.abort(new EtcdError("CLOSED", `election ${JSON.stringify(this.name)} was closed`));
    const terms = new Set([...this.#terms, ...this.#unresigned]);
    const resigned = Promise.allSettled([...terms].map((held) => this.#resign(held)));
    // Their errors went to their callers.
    await Promise.allSettled(this.#ongoing);
    for (const result of await resigned) if (result.status === "rejected") throw result.reason;
  }

  /** Remembers the term when that fails: nobody else would try again, and with a session of the caller's its key stays. */
  async #resign(held: HeldLock, options?: CallOptions): Promise<void> {
    try {
      await held.release(options);
      this.#unresigned.delete(held);
    } catch (error) {
      if (isEtcdError(error)) this.#unresigned.add(held);
      throw error;
    }
  }

  async #campaign(value: Bytes, options: CampaignOptions): Promise<HeldLock> {
    const scope = new Scope([options.signal, this.#closing.signal], {
      what: `election ${JSON.stringify(this.name)}`,
      timeoutMs: options.timeoutMs,
    });
    try {
      return await campaign(this.#parts, value, { signal: scope.signal, onWaiting: options.onWaiting });
    } finally {
      scope.close();
    }
  }

  async *#observe(signal: AbortSignal | undefined): AsyncGenerator<ElectionView, void> {
    this.#assertOpen();
    const scope = new Scope([signal, this.#closing.signal], {
      what: `election ${JSON.stringify(this.name)}`,
    });
    try {
      yield* observe(this.#client, this.#parts.queue.prefix, scope.signal);
    } finally {
      scope.close();
    }
  }

  async #track<T>(promise: Promise<T>): Promise<T> {
    this.#ongoing.add(promise);
    try {
      return await promise;
    } finally {
      this.#ongoing.delete(promise);
    }
  }

  #assertOpen(): void {
    if (this.#closing.signal.aborted) throw this.#closing.signal.reason;
  }
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error));
}
