/** Enough for the header and its value, when a chunk ends within it. */
const KEPT = 64;

/** etcd writes a member's id without leading zeros, in lower case: `types.ID.String` in client/pkg/types/id.go. */
const HEADER = /\r\nX-Server-From: ([0-9a-f]{1,16})\r\n/;

/**
 * Finds out which member has dialled a connection to a peer port: raft's requests say it in a header (`X-Server-From`, in
 * etcd's rafthttp/util.go and stream.go). Until one came the member is unknown: probes and questions for the version do not
 * say it, nor do requests for leases, which a follower passes on to the leader.
 */
export class DiallerFinder {
  #kept = "";
  #id: bigint | undefined;

  /** The member's id, once it is known. */
  get id(): bigint | undefined {
    return this.#id;
  }

  /** Takes the next bytes that came from the one who dialled; gives whether they have told the id. */
  learn(chunk: Buffer): boolean {
    if (this.#id !== undefined) return false;
    const text = this.#kept + chunk.toString("latin1");
    const id = HEADER.exec(text)?.[1];
    this.#kept = text.slice(-KEPT);
    if (id === undefined) return false;
    this.#id = BigInt(`0x${id}`);
    this.#kept = "";
    return true;
  }
}
