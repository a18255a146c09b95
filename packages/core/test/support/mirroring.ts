import type { Mirror, MirrorChange, MirrorState } from "@quorumkit/core";

/** What a mirror told since it was started: to be set up in the same turn as `Mirror.start`. */
export interface Told {
  readonly changes: MirrorChange[];
  readonly states: MirrorState[];
  /** The keys and values that the changes alone add up to. */
  state(): Record<string, string>;
}

export function record(mirror: Mirror): Told {
  const changes: MirrorChange[] = [];
  const states: MirrorState[] = [mirror.state];
  mirror.on("change", (change) => changes.push(change));
  mirror.on("state", (state) => states.push(state));
  const state = (): Record<string, string> => {
    const keys = new Map<string, string>();
    for (const change of changes.flatMap((each) => each.changes)) {
      if (change.previous?.text() !== keys.get(change.key))
        throw new Error(`wrong previous of ${change.key}`);
      if (change.type === "put") keys.set(change.key, change.kv.text());
      else keys.delete(change.key);
    }
    return sorted(keys);
  };
  return { changes, states, state };
}

/** What a mirror shows, by key. */
export function contentOf(mirror: Mirror): Record<string, string> {
  return sorted([...mirror.entries()].map((kv) => [kv.key, kv.text()] as const));
}

export function sorted(entries: Iterable<readonly [string, string]>): Record<string, string> {
  return Object.fromEntries([...entries].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
