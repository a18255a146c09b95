// A service registers itself; a client finds it, calls it, and hears of changes.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { EtcdClient } from "@quorumkit/core";
import { ServiceRegistry } from "@quorumkit/discovery";
import { openEtcd } from "./etcd.ts";

await using etcd = await openEtcd();

// The service: an HTTP server that registers when it is ready to be called.
const server = createServer((_request, response) => response.end("order 42 is on its way"));
await once(server.listen(0, "127.0.0.1"), "listening");
const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;

const serviceEtcd = new EtcdClient({ endpoints: etcd.endpoints });
const serviceRegistry = new ServiceRegistry(serviceEtcd);
const registration = await serviceRegistry.register({ name: "orders", address, version: "1.4.2", zone: "a" });
console.log(`registered ${registration.id} at ${address}`);

// The client: a cache of the instances, kept right by a watch.
const clientEtcd = new EtcdClient({ endpoints: etcd.endpoints });
const clientRegistry = new ServiceRegistry(clientEtcd);
const orders = clientRegistry.resolve("orders");
orders.on("change", ({ added, updated, removed, revision }) => {
  console.log(`revision ${revision}: +${added.length} ~${updated.length} -${removed.length}`);
});
await orders.ready();

const pick = orders.pick();
let answer: string;
try {
  answer = await (await fetch(`http://${pick.address}/`)).text();
  console.log(`${pick.instance.id} answered: ${answer}`);
  pick.done();
} catch (error) {
  pick.done(error);
  throw error;
}

// On the way out: first out of the list, so that nobody new is sent here, then gone.
const gone = new Promise<void>((resolve) => {
  orders.on("change", ({ removed }) => {
    if (removed.length > 0) resolve();
  });
});
await registration.drain({ forMs: 200 });
await gone;
const left = orders.instances.length;

await clientRegistry.close();
await clientEtcd.close();
await serviceRegistry.close();
await serviceEtcd.close();
server.close();
server.closeAllConnections();
console.log(`done, ${left} instances left`);
if (pick.instance.id !== registration.id || !answer.startsWith("order 42") || left > 0) process.exitCode = 1;
