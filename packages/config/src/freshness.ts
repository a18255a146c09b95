import type { ConfigState } from "./types.ts";

/** What {@link Freshness} looks at. */
export interface FreshnessSources {
  readonly mirror: {
    readonly state: "loading" | "live" | "stale" | "closed";
    readonly staleSince: Date | undefined;
  };
  readonly pipeline: { readonly busy: boolean; readonly overdueSince: Date | undefined };
}

/**
 * Whether what readers get is what etcd has. It turns stale as soon as the mirror does, or when a validation takes
 * longer than it may, and live again only when what the mirror has brought by then has been validated too.
 */
export class Freshness {
  readonly #sources: FreshnessSources;
  readonly #tell: (state: ConfigState) => void;
  #state: ConfigState = "live";
  #staleSince: Date | undefined;

  constructor(sources: FreshnessSources, tell: (state: ConfigState) => void) {
    this.#sources = sources;
    this.#tell = tell;
  }

  get state(): ConfigState {
    return this.#state;
  }

  /** Kept when the center closes while it is stale, and set when it closes while it is live: it ages from then on. */
  get staleSince(): Date | undefined {
    return this.#staleSince;
  }

  /** To be called whenever one of the sources may have changed. */
  update(): void {
    const next = this.#next();
    if (next === this.#state) return;
    this.#state = next;
    if (next === "live") this.#staleSince = undefined;
    else this.#staleSince ??= since(this.#sources) ?? new Date();
    this.#tell(next);
  }

  #next(): ConfigState {
    const { mirror, pipeline } = this.#sources;
    if (this.#state === "closed" || mirror.state === "closed") return "closed";
    if (mirror.state !== "live" || pipeline.overdueSince !== undefined) return "stale";
    return this.#state === "stale" && pipeline.busy ? "stale" : "live";
  }

  close(): void {
    if (this.#state === "closed") return;
    this.#staleSince ??= new Date();
    this.#state = "closed";
    this.#tell("closed");
  }
}

function since({ mirror, pipeline }: FreshnessSources): Date | undefined {
  return mirror.staleSince ?? pipeline.overdueSince;
}
