// Several keys as one step: all or nothing, if and only if.
import { compare, EtcdClient, op } from "@quorumkit/core";
import { openEtcd } from "./etcd.ts";

await using server = await openEtcd();
const etcd = new EtcdClient({ endpoints: server.endpoints });

// Make both accounts, unless there are any.
const made = await etcd
  .txn()
  .if(compare({ prefix: "accounts/" }).version.equals(0n))
  .then(op.put("accounts/ann", "100"), op.put("accounts/bob", "0"))
  .commit();
console.log(`made: ${made.succeeded}, both in revision ${made.revision}`);

async function transfer(from: string, to: string, amount: number): Promise<boolean> {
  for (;;) {
    const [source, target] = await Promise.all([etcd.get(from), etcd.get(to)]);
    if (source === undefined || target === undefined) throw new Error("no such account");
    const balance = Number(source.text());
    if (balance < amount) return false;
    const { succeeded } = await etcd
      .txn()
      // Neither account was touched since it was read …
      .if(
        compare(from).modRevision.equals(source.modRevision),
        compare(to).modRevision.equals(target.modRevision),
      )
      // … so both change together.
      .then(op.put(from, String(balance - amount)), op.put(to, String(Number(target.text()) + amount)))
      .commit();
    if (succeeded) return true;
  }
}

// Twelve at once, though only ten can be paid for.
const paid = await Promise.all(
  Array.from({ length: 12 }, () => transfer("accounts/ann", "accounts/bob", 10)),
);
const { kvs } = await etcd.range({ prefix: "accounts/" });
const balances = Object.fromEntries(kvs.map((kv) => [kv.key, kv.text()]));
console.log(`${paid.filter(Boolean).length} of ${paid.length} transfers:`, balances);

// The branch that ran decides what the results are, also for the type checker.
const read = await etcd
  .txn()
  .if(compare("accounts/ann").value.equals("0"))
  .then(op.get("accounts/bob"))
  .else(op.range({ prefix: "accounts/" }))
  .commit();
if (read.succeeded) console.log(`ann is broke, bob has ${read.results[0]?.text()}`);

await etcd.close();
if (balances["accounts/ann"] !== "0" || balances["accounts/bob"] !== "100") process.exitCode = 1;
