import { compare, EtcdClient, isEtcdError, op } from "@quorumkit/core";

const endpoint = "http://127.0.0.1:2379";
const etcd = new EtcdClient({ endpoints: endpoint });
await etcd.putAll(Object.entries({ "shop/open": "yes", "stock/apples": "1" }));

// A transaction in a transaction: what is in stock is asked only where the shop is open. All of it is one revision.
const sale = await etcd
  .txn()
  .if(compare("shop/open").value.equals("yes"))
  .then(
    op.get("shop/open"),
    op.txn(
      etcd
        .txn()
        .if(compare("stock/apples").version.greaterThan(0n))
        .then(op.delete("stock/apples"), op.put("orders/1", "apples")),
    ),
  )
  .else(op.range({ prefix: "shop/" }))
  .commit();
if (sale.succeeded) console.log(sale.results[1].succeeded ? "sold" : "sold out");

// One member, and no other in its place: named by its endpoint, one of the client's.
const status = await etcd.maintenance.status({ endpoint });
console.log(status.isLearner, status.errors);

// A backup of that member, which has its name only when it is whole. `etcdutl snapshot restore` takes it.
const { sizeBytes } = await etcd.maintenance.snapshotToFile("backup.db", { endpoint });
console.log(sizeBytes > 0);

// Users. The user root has to be there, with the role root, before anybody has to log in.
await etcd.auth.userAdd("root", { password: "the password of root" });
await etcd.auth.userGrantRole("root", "root");
await etcd.auth.roleAdd("orders");
await etcd.auth.roleGrantPermission("orders", { prefix: "orders/" }, "readwrite");
await etcd.auth.userAdd("shop", { password: "the password of shop" });
await etcd.auth.userGrantRole("shop", "orders");
await etcd.auth.enable();

const shop = new EtcdClient({
  endpoints: endpoint,
  auth: { username: "shop", password: "the password of shop" },
});
console.log((await shop.get("orders/1"))?.text());
try {
  await shop.delete("shop/open");
} catch (error) {
  if (!isEtcdError(error, "PERMISSION_DENIED")) throw error;
  console.log(error.code);
}

await shop.close();
await etcd.close();

// From now on everybody has to log in; root may let them all in again.
const root = new EtcdClient({
  endpoints: endpoint,
  auth: { username: "root", password: "the password of root" },
});
await root.auth.disable();
await root.close();
