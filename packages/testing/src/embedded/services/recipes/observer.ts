import type { KeyValue } from "@quorumkit/proto";
import { nameOf } from "../../mvcc/key-span.ts";
import type { Commit } from "../../mvcc/store.ts";
import type { EmbeddedState } from "../../state.ts";
import { firstOf } from "./queue.ts";
import { firstUnder } from "./requests.ts";

type Tell = (leader: KeyValue, revision: bigint) => void;

/**
 * Follows an election: tells of the leader, of every value it proclaims, and of the next leader once it is gone.
 * Source: etcd, client/v3/concurrency/election.go, observe.
 */
export class Observer {
  readonly #state: EmbeddedState;
  readonly #prefix: Buffer;
  readonly #prefixName: string;
  readonly #tell: Tell;
  #leader: string | undefined;
  /** Commits up to this revision are known. */
  #seen = 0n;
  #forget: () => void = () => undefined;

  constructor(state: EmbeddedState, prefix: Buffer, tell: Tell) {
    this.#state = state;
    this.#prefix = prefix;
    this.#prefixName = nameOf(prefix);
    this.#tell = tell;
  }

  start(): void {
    this.#forget = this.#state.store.onCommit((commit) => {
      this.#follow(commit);
    });
    this.#find();
  }

  close(): void {
    this.#forget();
  }

  #find(): void {
    const { kvs, header } = this.#state.kv.range(firstUnder(this.#prefix));
    this.#seen = header?.revision ?? 0n;
    const kv = firstOf(kvs);
    this.#leader = kv && nameOf(kv.key);
    if (kv !== undefined) this.#tell(kv, this.#seen);
  }

  #follow({ revision, events }: Commit): void {
    if (revision <= this.#seen) return;
    this.#seen = revision;
    for (const { type, kv } of events) {
      const name = nameOf(kv.key);
      if (type === "delete") {
        if (name !== this.#leader) continue;
        this.#find();
        return;
      }
      // Without a leader the first key that is put under the prefix is taken for one, as etcd does it.
      if (this.#leader === undefined && name.startsWith(this.#prefixName)) this.#leader = name;
      if (name === this.#leader) this.#tell(kv, revision);
    }
  }
}
