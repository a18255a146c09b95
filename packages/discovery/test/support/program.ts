import { EtcdClient } from "@quorumkit/core";
import { ServiceRegistry } from "../../src/index.ts";

/**
 * A process of its own: registers, resolves, and says so with one line. Then, as told: `wait` until it is killed, `close`
 * everything, or `deregister` and close nothing but the client.
 */
const [endpoint = "", id = "", then = "wait"] = process.argv.slice(2);
const client = new EtcdClient({ endpoints: endpoint });
const registry = new ServiceRegistry(client, { ttlSeconds: 2 });
const registration = await registry.register({ name: "orders", id, address: "10.0.0.7:1" });
const orders = registry.resolve("orders");
await orders.ready();
console.log(orders.instances.length);
if (then === "close") await registry.close();
if (then === "deregister") await registration.deregister();
if (then !== "wait") await client.close();
