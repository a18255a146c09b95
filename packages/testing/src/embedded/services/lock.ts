import type { Services } from "@quorumkit/proto";
import type { ServiceWork } from "./context.ts";
import { firstUnder, rangeOf } from "./recipes/requests.ts";
import {
  asInnerClient,
  awaitTurn,
  firstOf,
  isStopped,
  prefixOf,
  removeKey,
  sessionLease,
  takePlace,
  unknownError,
} from "./recipes/queue.ts";

const noValue = Buffer.alloc(0);

/** The work behind etcd's Lock service. Source: etcd, server/etcdserver/api/v3lock and client/v3/concurrency/mutex.go. */
export function lockHandlers(): ServiceWork<Services["lock"]> {
  return {
    lock: ({ name, lease }, { state, signal }) =>
      asInnerClient(async () => {
        const prefix = prefixOf(name);
        const place = takePlace(state, prefix, sessionLease(state, lease), noValue);
        const holder = firstOf(state.kv.range(firstUnder(prefix)).kvs);
        if (holder?.createRevision === place.createRevision) {
          return { header: { revision: place.revision }, key: place.key };
        }
        try {
          await awaitTurn(state, prefix, place.createRevision, signal);
        } catch (error) {
          if (!isStopped(signal)) removeKey(state, place.key);
          throw error;
        }
        // The lease may have ended during the wait, and the key with it.
        const own = state.kv.range(rangeOf(place.key));
        if (firstOf(own.kvs) === undefined) throw unknownError("mutex: session is expired");
        return { header: { revision: own.header?.revision }, key: place.key };
      }),
    unlock: ({ key }, { state }) => asInnerClient(() => ({ header: { revision: removeKey(state, key) } })),
  };
}
