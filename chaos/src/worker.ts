// One worker process: it does all sorts of work at once, writes its history to a file, and takes orders from the run.
import { EtcdClient } from "@quorumkit/core";
import { Journal } from "./log/journal.ts";
import { lastToken } from "./log/last-token.ts";
import type { Order, Report, Standing } from "./messages.ts";
import { CALL_MS } from "./names.ts";
import { Random } from "./random.ts";
import { Claims } from "./work/claims.ts";
import { data } from "./work/data.ts";
import { campaigns, Terms } from "./work/elections.ts";
import { locks } from "./work/locks.ts";
import { MirrorWork } from "./work/mirrors.ts";
import { type Place, Tally } from "./work/place.ts";
import { registers } from "./work/registers.ts";
import { Services } from "./work/services.ts";
import { sessions } from "./work/sessions.ts";
import { Watch } from "./work/watches.ts";

const [name = "", index = "", life = "", seed = "", directory = "", ...endpoints] = process.argv.slice(2);

const TELL_COUNTS_MS = 500;

const report = (message: Report): void => {
  if (process.connected) process.send?.(message);
};
const token = await lastToken(directory, name, Number(life));
const journal = new Journal(directory, `${name}.${life}`);
const resting = new AbortController();
const stopping = new AbortController();
const etcd = new EtcdClient({ endpoints, timeoutMs: 2 * CALL_MS });
const claims = new Claims(journal);
const place: Place = {
  name,
  index: Number(index),
  life: Number(life),
  etcd,
  random: new Random(`${seed}/${name}/${life}`),
  journal,
  claims,
  tally: new Tally(),
  resting: resting.signal,
  stopping: stopping.signal,
  report,
};
const terms = new Terms(place);
const services = new Services(place);
const watch = new Watch(place);
const mirror = new MirrorWork(place);

function standing(): Standing {
  return {
    registration: services.registration,
    resolver: services.resolver,
    leads: terms.leads,
    leader: terms.leader,
    mirror: mirror.standing,
    watched: watch.watched,
  };
}

/** The event loop stands still: no timer, no answer, no renewal is seen. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

process.on("message", (order: Order) => {
  if (order.please === "block") block(order.ms);
  else if (order.please === "rest") resting.abort();
  else if (order.please === "tell") report({ is: "told", id: order.id, standing: standing() });
  else {
    resting.abort();
    stopping.abort();
  }
});
// Without the run there is nobody to work for.
process.on("disconnect", () => process.exit());
if (!process.connected) process.exit();
// Ctrl-C reaches the whole group; it is the run that ends its workers.
process.on("SIGINT", () => {});

const tellCounts = (): void => report({ is: "counts", counts: place.tally.counts });
const telling = setInterval(tellCounts, TELL_COUNTS_MS);
claims.start();
report({ is: "ready" });
await Promise.all([
  registers(place),
  data(place),
  locks(place),
  campaigns(place),
  sessions(place),
  terms.run(),
  services.run(),
  watch.run(token),
  mirror.run(),
]);
claims.stop();
await etcd.close();
clearInterval(telling);
tellCounts();
report({ is: "stopped" });
journal.close();
process.disconnect();
