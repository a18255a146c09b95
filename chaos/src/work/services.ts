import { isEtcdError } from "@quorumkit/core";
import { type Registration, type Resolver, ServiceRegistry } from "@quorumkit/discovery";
import { CALL_MS, REGISTRY, SERVICE, TTL_SECONDS } from "../names.ts";
import { digest } from "./digest.ts";
import { type Place, alarmUnlessEtcd, rest } from "./place.ts";

/** This worker as an instance of a service, and what it knows of the others. */
export class Services {
  readonly #place: Place;
  readonly #registry: ServiceRegistry;
  readonly #resolver: Resolver;
  #registration: Registration | undefined;

  constructor(place: Place) {
    this.#place = place;
    this.#registry = new ServiceRegistry(place.etcd, { prefix: REGISTRY, ttlSeconds: TTL_SECONDS });
    this.#resolver = this.#registry.resolve(SERVICE);
    this.#resolver.on("change", ({ revision }) => {
      place.journal.note("resolver", { value: { revision: Number(revision), instances: this.#seen() } });
      place.tally.add("resolver.look");
    });
  }

  get registration(): string {
    return this.#registration?.state ?? "none";
  }

  get resolver(): { readonly state: string; readonly ids: readonly string[] } {
    const ids = this.#resolver.instances.map(({ id }) => id).sort((a, b) => (a < b ? -1 : 1));
    return { state: this.#resolver.state, ids };
  }

  async run(): Promise<void> {
    const { stopping, resting } = this.#place;
    const random = this.#place.random.fork("services");
    let updates = 0;
    while (!stopping.aborted) {
      try {
        const registration = (this.#registration ??= await this.#register());
        await rest(random.between(300, 1_500), stopping);
        if (stopping.aborted || resting.aborted) continue;
        if (random.chance(0.07)) {
          this.#registration = undefined;
          await registration.deregister({ timeoutMs: CALL_MS });
        } else {
          await registration.update({ metadata: { n: String((updates += 1)) } }, { timeoutMs: CALL_MS });
          this.#place.tally.add("registration.updated");
        }
      } catch (error) {
        alarmUnlessEtcd(this.#place, error);
        await rest(random.between(50, 250), stopping);
      }
    }
    await this.#registry.close();
  }

  async #register(): Promise<Registration> {
    const { name, index, tally } = this.#place;
    const address = `127.0.0.1:${10_000 + index}`;
    // A predecessor that was killed has its id until its lease ends, so it takes as long as that.
    const options = { timeoutMs: TTL_SECONDS * 1_000 + CALL_MS };
    const registration = await this.#registry.register({ name: SERVICE, id: name, address }, options);
    tally.add("registration.registered");
    registration.on("state", (_state, reason) => {
      if (reason !== undefined && !isEtcdError(reason)) alarmUnlessEtcd(this.#place, reason);
    });
    return registration;
  }

  #seen(): string {
    const { instances } = this.#resolver;
    return digest(instances.map(({ id, metadata }) => `${id} ${metadata["n"] ?? ""}`));
  }
}
