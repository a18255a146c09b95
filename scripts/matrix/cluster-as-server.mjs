// Stands in for @quorumkit/testing when the suite runs on clusters (see cluster.config.ts): all of it is the package's
// own, but startEtcd() gives a cluster of three that is broken and mended as one.
import { startEtcd as startOne, startEtcdCluster } from "../../packages/testing/src/index.ts";

export * from "../../packages/testing/src/index.ts";

const MEMBERS = 3;

/** Flags that only one member can have: its own data, name or place in a cluster that exists. */
const OF_ONE_MEMBER = /^--(data-dir|name|initial-)/;

const isOfOneMember = ({ clientUrls, args = [] }) =>
  clientUrls !== undefined || args.some((arg) => OF_ONE_MEMBER.test(arg));

export async function startEtcd(options = {}) {
  return isOfOneMember(options)
    ? startOne(options)
    : new ClusterAsServer(await startEtcdCluster(MEMBERS, options));
}

/** A cluster with the face of an EtcdServer. What there is only one of (`endpoint`, `dataDir`, `pid`) is the first member's. */
class ClusterAsServer {
  #cluster;

  constructor(cluster) {
    this.#cluster = cluster;
    this.version = cluster.version;
  }

  get members() {
    return this.#cluster.members;
  }

  get #first() {
    return this.members[0];
  }

  get name() {
    return this.#first.name;
  }

  get endpoint() {
    return this.#first.endpoint;
  }

  get endpoints() {
    return this.#cluster.endpoints;
  }

  get dataDir() {
    return this.#first.dataDir;
  }

  get pid() {
    return this.#first.pid;
  }

  get state() {
    return this.#first.state;
  }

  logs() {
    return this.members.map((member) => member.logs()).join("");
  }

  kill() {
    return this.#all((member) => member.kill());
  }

  stop() {
    return this.#all((member) => member.stop());
  }

  pause() {
    return this.#all((member) => member.pause());
  }

  /** Resolves when the members have a leader again. */
  async resume() {
    await this.#all((member) => member.resume());
    await this.#all((member) => member.ready());
  }

  restart() {
    return this.#all((member) => member.restart());
  }

  etcdctl(args, options) {
    return this.#first.etcdctl(args, options);
  }

  close() {
    return this.#cluster.close();
  }

  [Symbol.asyncDispose]() {
    return this.close();
  }

  async #all(act) {
    await Promise.all(this.members.map(act));
  }
}
