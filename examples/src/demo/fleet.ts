import { once } from "node:events";
import type { Report, Traffic } from "./messages.ts";
import { Member } from "./member.ts";
import type { Timeline } from "./timeline.ts";

/** How long the demo waits for anything before it says that it did not happen. */
const PATIENCE_MS = 15_000;

/** All processes of the demo, and what is known of them from what they say. */
export class Fleet {
  readonly #timeline: Timeline;
  readonly #members = new Map<string, Member>();
  readonly #limits = new Map<string, number>();
  readonly #changed = new EventTarget();
  readonly #left = new Set<string>();
  /** Who leads, as the processes themselves say. */
  leaders: string[] = [];
  /** Whether two of them ever led at once. */
  twoLeaders = false;
  instances: readonly string[] = [];
  resolverState = "loading";
  traffic: Traffic | undefined;
  ready = new Set<string>();

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
  }

  start(name: string, program: "orders" | "client", args: readonly string[]): Member {
    const member = new Member(name, program, args);
    this.#members.set(name, member);
    member.on("report", (report) => {
      this.#note(name, report);
      this.#changed.dispatchEvent(new Event("change"));
    });
    return member;
  }

  member(name: string): Member {
    const member = this.#members.get(name);
    if (member === undefined) throw new Error(`no process ${name}`);
    return member;
  }

  limitOf(name: string): number | undefined {
    return this.#limits.get(name);
  }

  hasLeft(name: string): boolean {
    return this.#left.has(name);
  }

  /** Kills without a word; from now on nothing that the process said counts. */
  async kill(name: string): Promise<void> {
    await this.member(name).kill();
    this.leaders = this.leaders.filter((each) => each !== name);
  }

  /** Waits until `condition` holds; the time it took in ms, or undefined when it did not happen. */
  async until(condition: () => boolean): Promise<number | undefined> {
    const start = performance.now();
    const limit = AbortSignal.timeout(PATIENCE_MS);
    while (!condition()) {
      try {
        await once(this.#changed, "change", { signal: limit });
      } catch {
        return undefined;
      }
    }
    return performance.now() - start;
  }

  /** The client's calls since the last time. */
  async countCalls(): Promise<Traffic> {
    this.traffic = undefined;
    this.member("client").ask("count calls");
    await this.until(() => this.traffic !== undefined);
    if (this.traffic === undefined) throw new Error("the client does not answer");
    return this.traffic;
  }

  async stop(): Promise<void> {
    const members = [...this.#members.values()].filter(({ running }) => running);
    for (const member of members) member.ask("stop");
    await Promise.all(members.map((member) => member.exited()));
  }

  killAll(): void {
    for (const member of this.#members.values()) void member.kill();
  }

  #note(name: string, report: Report): void {
    switch (report.is) {
      case "ready":
        this.ready.add(name);
        return this.#timeline.say(
          name,
          name === "client" ? "found the service" : `serves at ${report.address}`,
        );
      case "registration":
        return this.#timeline.say(name, `registration: ${report.state}`);
      case "elected":
        this.leaders.push(name);
        if (this.leaders.length > 1) this.twoLeaders = true;
        return this.#timeline.say(name, `leads, fencing token ${report.token}`);
      case "leadership over":
        this.leaders = this.leaders.filter((each) => each !== name);
        return this.#timeline.say(name, `leads no more (${report.why})`);
      case "config":
        this.#limits.set(name, report.limit);
        return this.#timeline.say(name, `runs with limit ${report.limit}, revision ${report.revision}`);
      case "instances":
        this.instances = report.names;
        return this.#timeline.say(name, `calls ${report.names.join(", ") || "nobody"}`);
      case "resolver":
        this.resolverState = report.state;
        return this.#timeline.say(name, `its list of instances is ${report.state}`);
      case "traffic":
        this.traffic = report.traffic;
        return;
      case "left":
        this.#left.add(name);
        return this.#timeline.say(name, "has left");
    }
  }
}
