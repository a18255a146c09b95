import type { LeaderKey, Services } from "@quorumkit/proto";
import type { CallContext, MethodWork, ServiceWork } from "./context.ts";
import { Observer } from "./recipes/observer.ts";
import { deleteOf, firstUnder, op, putOf } from "./recipes/requests.ts";
import {
  asInnerClient,
  awaitTurn,
  firstOf,
  isStopped,
  prefixOf,
  sessionLease,
  takePlace,
  unknownError,
  whileCreatedAt,
} from "./recipes/queue.ts";

/** The work behind etcd's Election service. Source: etcd, server/etcdserver/api/v3election and client/v3/concurrency/election.go. */
export function electionHandlers(): ServiceWork<Services["election"]> {
  return {
    campaign: (request, context) => asInnerClient(() => campaign(request, context)),
    proclaim: ({ leader, value }, { state }) =>
      asInnerClient(() => {
        const { key, rev, lease } = required(leader);
        const put = op.put(putOf(key, value, sessionLease(state, lease)));
        const { done, revision } = whileCreatedAt(state, key, rev, [put]);
        if (!done) throw unknownError("election: not leader");
        return { header: { revision } };
      }),
    leader: ({ name }, { state }) =>
      asInnerClient(() => {
        const { kvs, header } = state.kv.range(firstUnder(prefixOf(name)));
        const kv = firstOf(kvs);
        if (kv === undefined) throw unknownError("election: no leader");
        return { header: { revision: header?.revision }, kv };
      }),
    observe,
    resign: ({ leader }, { state }) =>
      asInnerClient(() => {
        const { key, rev, lease } = required(leader);
        sessionLease(state, lease);
        const { revision } = whileCreatedAt(state, key, rev, [op.delete(deleteOf(key))]);
        return { header: { revision } };
      }),
  };
}

const campaign: MethodWork<Services["election"]["campaign"]> = async (
  { name, lease: wanted, value },
  { state, signal },
) => {
  const prefix = prefixOf(name);
  const lease = sessionLease(state, wanted);
  const { key, createRevision, earlierValue, revision } = takePlace(state, prefix, lease, value);
  const resign = (): void => {
    whileCreatedAt(state, key, createRevision, [op.delete(deleteOf(key))]);
  };
  if (earlierValue !== undefined && !earlierValue.equals(value)) {
    const { done } = whileCreatedAt(state, key, createRevision, [op.put(putOf(key, value, lease))]);
    if (!done) throw unknownError("election: not leader");
  }
  try {
    await awaitTurn(state, prefix, createRevision, signal);
  } catch (error) {
    // A candidate that has gone away does not stand in the way of the others.
    if (signal.aborted && !isStopped(signal)) resign();
    throw error;
  }
  return { header: { revision }, leader: { name, key, rev: createRevision, lease } };
};

const observe: MethodWork<Services["election"]["observe"]> = (call, context) => {
  const prefix = prefixOf(call.request.name);
  if (!mayRead(context, prefix)) {
    call.end();
    return;
  }
  const { state, member, signal } = context;
  const observer = new Observer(state, prefix, (kv, revision) => {
    call.write({ header: state.header(member, revision), kv });
  });
  const forgetReset = state.store.onReset(() => call.end());
  signal.addEventListener(
    "abort",
    () => {
      forgetReset();
      observer.close();
    },
    { once: true },
  );
  observer.start();
};

/** Whoever may not read the keys is told nothing: the stream ends in good order. */
function mayRead(context: CallContext, prefix: Buffer): boolean {
  try {
    context.access?.read(firstUnder(prefix));
    return true;
  } catch {
    return false;
  }
}

function required(leader: LeaderKey | null): LeaderKey {
  if (leader === null) throw unknownError('"leader" field must be provided');
  return leader;
}
