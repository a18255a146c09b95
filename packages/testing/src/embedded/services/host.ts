import type { StatusError } from "../errors.ts";
import type { FaultBook } from "../faults/fault-book.ts";
import type { Gate } from "../faults/gate.ts";
import type { OpenStream } from "../faults/open-stream.ts";
import type { EmbeddedState, MemberView } from "../state.ts";

/** What the handlers of a member need of it. */
export interface Host {
  readonly view: MemberView;
  readonly faults: FaultBook;
  /** Shut while the member does not answer. */
  readonly answers: Gate;
  /** The cluster as this member sees it now: while it has no leader, as it was when it lost it. */
  readonly state: EmbeddedState;
  /** The cluster as it is. */
  readonly liveState: EmbeddedState;
  readonly hasLeader: boolean;
  /**
   * Resolves when there is a leader, or when the call is over.
   * @throws what `late` returns, after as long as etcd would wait.
   */
  leader(signal: AbortSignal, late: () => StatusError): Promise<void>;
  /** Aborted with the error that says so when the member stops, as a killed process does: nothing is tidied up then. */
  readonly stopping: AbortSignal;
  /** Takes note of a stream until it is over. */
  addStream(create: (id: number) => OpenStream): OpenStream;
}

/** Which RPC it is. */
export interface ServedCall {
  /** As in `services` of the wire contract, such as "kv". */
  readonly service: string;
  /** For example "deleteRange". */
  readonly method: string;
  /** For example "/etcdserverpb.KV/DeleteRange". */
  readonly path: string;
}
