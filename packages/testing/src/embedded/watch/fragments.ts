import { services, type EventInput, type KeyValueInput, type WatchResponseInput } from "@quorumkit/proto";

/**
 * Splits an answer that is too large over several, all but the last marked as fragments. An event is never split.
 * Sizes are those on the wire, compared as etcd does. Source: v3rpc/watch.go, sendFragments.
 */
export function fragmentsOf(answer: WatchResponseInput, maxBytes: number): readonly WatchResponseInput[] {
  const events = (answer.events ?? []).map(canonical);
  const whole = { ...answer, events };
  if (events.length < 2 || sizeOf(whole) < maxBytes) return [whole];
  const empty = { ...answer, fragment: true, events: [] };
  const base = sizeOf(empty);
  const parts: EventInput[][] = [];
  let size = Infinity;
  for (const event of events) {
    const more = sizeOf({ ...empty, events: [event] }) - base;
    if (size + more < maxBytes) {
      parts.at(-1)?.push(event);
      size += more;
    } else {
      parts.push([event]);
      size = base + more;
    }
  }
  return parts.map((part, i) => ({ ...empty, fragment: i < parts.length - 1, events: part }));
}

function sizeOf(answer: WatchResponseInput): number {
  return services.watch.watch.responseSerialize(answer).length;
}

/** Without what is zero: Go leaves it out on the wire, our encoder only if it is not there. */
function canonical({ type, kv, prevKv }: EventInput): EventInput {
  return {
    ...(type && { type }),
    ...(kv && { kv: nonZero(kv) }),
    ...(prevKv && { prevKv: nonZero(prevKv) }),
  };
}

function nonZero(kv: KeyValueInput): KeyValueInput {
  const isZero = (value: unknown): boolean =>
    value === 0n || (value instanceof Uint8Array && value.length === 0);
  return Object.fromEntries(Object.entries(kv).filter(([, value]) => !isZero(value)));
}
