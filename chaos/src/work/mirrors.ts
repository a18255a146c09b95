import { Mirror } from "@quorumkit/core";
import { DATA } from "../names.ts";
import { digest } from "./digest.ts";
import { type Place, rest } from "./place.ts";

/** A mirror that is looked at all the time: what it shows at a revision must be what the store was then. */
export class MirrorWork {
  readonly #place: Place;
  readonly #mirror: Mirror;

  constructor(place: Place) {
    this.#place = place;
    this.#mirror = Mirror.start(place.etcd, { prefix: DATA });
  }

  get standing(): { readonly state: string; readonly digest: string } {
    return { state: this.#mirror.state, digest: digestOf(this.#mirror) };
  }

  async run(): Promise<void> {
    const { stopping, random, tally } = this.#place;
    this.#mirror.on("state", (state) => {
      if (state === "stale") tally.add("mirror stale");
      this.#look(this.#mirror);
    });
    const fresh = this.#freshOnes();
    while (!stopping.aborted) {
      await rest(random.between(50, 400), stopping);
      this.#look(this.#mirror);
    }
    await this.#mirror.close();
    await fresh;
  }

  /** Mirrors that are hardly begun: where a listing ends and its watch begins, nothing may be lost. */
  async #freshOnes(): Promise<void> {
    const { resting } = this.#place;
    const random = this.#place.random.fork("fresh mirrors");
    while (!resting.aborted) {
      const mirror = Mirror.start(this.#place.etcd, { prefix: DATA });
      for (let looks = random.between(2, 8); looks > 0 && !resting.aborted; looks -= 1) {
        await rest(random.between(20, 150), resting);
        this.#look(mirror);
      }
      await mirror.close();
    }
  }

  #look(mirror: Mirror): void {
    const { journal, tally } = this.#place;
    const { revision, state } = mirror;
    if (revision === 0n) return;
    journal.note("mirror", { value: { revision: Number(revision), state, digest: digestOf(mirror) } });
    tally.add("mirror.look");
  }
}

function digestOf(mirror: Mirror): string {
  return digest([...mirror.entries()].map(({ key, modRevision }) => `${key} ${modRevision}`));
}
