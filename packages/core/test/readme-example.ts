import { compare, EtcdClient, isEtcdError, op } from "@quorumkit/core";

const etcd = new EtcdClient({ endpoints: ["http://127.0.0.1:2379"] });

// Keys. Values are text or bytes; revisions, versions and ids are bigint.
await etcd.put("users/ann", JSON.stringify({ age: 41 }));
const ann = await etcd.get("users/ann");
console.log(ann?.json<{ age: number }>().age, ann?.version);
for await (const kv of etcd.scan({ prefix: "users/" })) console.log(kv.key);

// Transactions: all or nothing, if and only if. The branch that ran decides the type of the results.
const { succeeded } = await etcd
  .txn()
  .if(compare("users/bob").version.equals(0n))
  .then(op.put("users/bob", "{}"))
  .else(op.get("users/bob"))
  .commit();
console.log(succeeded ? "made bob" : "bob was there");

// A session is a lease kept alive. What hangs on it ends before the server may free its keys.
const session = await etcd.openSession({ ttlSeconds: 10 });
await etcd.put("online/me", "here", { lease: session });
session.signal.addEventListener("abort", () => console.log("offline"));
console.log(session.alive, session.remainingMs > 0);

// A watch has no gaps and no repetitions, whatever happens to connections and members.
const watcher = etcd.watch({ prefix: "users/" }, { startRevision: ann?.modRevision });
for await (const { events } of watcher) {
  for (const { type, key } of events) console.log(type, key);
  if (events.some(({ key }) => key === "users/ann")) break;
}

// A mirror is a copy of a range that stays right, and says when it is not.
const users = await etcd.mirror({ prefix: "users/" });
console.log(users.size, users.state);
users.on("change", ({ changes }) => console.log(changes.length));

// A lock in the order of arrival, with a fencing token and writes that etcd refuses once it is lost.
await etcd.lock("jobs/nightly").using(async (held) => {
  await held.txn().then(op.put("jobs/last", "me")).commit();
});

// Errors have a code of a closed set, and a failed write says what is known.
try {
  await etcd.put("users/carl", "{}", { lease: 1n });
} catch (error) {
  if (!isEtcdError(error, "LEASE_NOT_FOUND")) throw error;
  console.log(error.code, error.outcome);
}

await etcd.close();
