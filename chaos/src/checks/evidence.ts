import { type History, readHistory } from "@quorumkit/testing/history";
import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { sortOfFile } from "../log/journal.ts";
import type { TrueLog } from "../log/true-log.ts";
import type { Claim, Moment } from "../work/claims.ts";
import type { SeenChange } from "../work/watches.ts";

/** What one process believed to have, over all its looks. */
export interface Belief extends Omit<Claim, "look"> {
  readonly process: string;
  readonly first: Moment;
  last: Moment;
  /** Believed again after it had ended. */
  isBack: boolean;
}

/** What was seen at a revision, as a digest or in full. */
export interface Look {
  readonly process: string;
  readonly revision: number;
  readonly seen: string;
}

export type WatchNote =
  | {
      readonly op: "begin";
      readonly process: string;
      readonly prefix: string;
      /** Absent where it goes on from where the process before it was. */
      readonly from: number | undefined;
      readonly filters: readonly ("put" | "delete")[];
      readonly prevKv: boolean;
    }
  | {
      readonly op: "batch";
      readonly process: string;
      readonly revision: number;
      readonly changes: readonly SeenChange[];
      /** Whether another process could go on from here. */
      readonly resumable: boolean;
    };

type Begin = WatchNote & { readonly op: "begin" };

/** All that was written down in a run. */
export interface Evidence {
  readonly log: TrueLog;
  readonly history: History;
  readonly beliefs: readonly Belief[];
  /** By worker, over all its processes. */
  readonly watches: ReadonlyMap<string, readonly WatchNote[]>;
  readonly mirrors: readonly Look[];
  readonly resolvers: readonly Look[];
  readonly views: readonly Look[];
  readonly alarms: readonly string[];
}

interface Note {
  readonly process: string;
  readonly op: string;
  readonly key?: string;
  readonly value: never;
}

/** Reads the histories of all processes. */
export async function readEvidence(directory: string, log: TrueLog): Promise<Evidence> {
  const names = await readdir(directory);
  const done = names.filter((name) => sortOfFile(name) === "done");
  const seen = names.filter((name) => sortOfFile(name) === "seen").sort(byLife);
  const notes = new Notes();
  for (const name of seen) await notes.read(join(directory, name));
  const history = readHistory(...done.map((name) => join(directory, name)));
  const { watches, mirrors, resolvers, views, alarms } = notes;
  return { log, history, beliefs: [...notes.beliefs.values()], watches, mirrors, resolvers, views, alarms };
}

/** `w1.2.seen.jsonl` before `w1.10.seen.jsonl`. */
function byLife(a: string, b: string): number {
  return Number(a.split(".")[1]) - Number(b.split(".")[1]);
}

class Notes {
  readonly beliefs = new Map<string, Belief>();
  readonly watches = new Map<string, WatchNote[]>();
  readonly mirrors: Look[] = [];
  readonly resolvers: Look[] = [];
  readonly views: Look[] = [];
  readonly alarms: string[] = [];

  async read(path: string): Promise<void> {
    let torn: string | undefined;
    for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
      if (torn !== undefined) throw new Error(`a line in the middle of ${path} is no note: ${torn}`);
      const note = parse(line);
      if (note === undefined) torn = line;
      else this.#take(note);
    }
  }

  #take({ process, op, key = "", value }: Note): void {
    switch (op) {
      case "claim":
        this.#claim(process, key, value);
        return;
      case "watch.begin": {
        const { from, filters, prevKv } = value as Begin;
        this.#watch(process).push({ op: "begin", process, prefix: key, from, filters, prevKv });
        return;
      }
      case "watch.batch": {
        const { revision, changes, token } = value as {
          revision: number;
          changes: readonly SeenChange[];
          token?: string;
        };
        this.#watch(process).push({
          op: "batch",
          process,
          revision,
          changes,
          resumable: token !== undefined,
        });
        return;
      }
      case "mirror": {
        const { revision, digest } = value as { revision: number; digest: string };
        this.mirrors.push({ process, revision, seen: digest });
        return;
      }
      case "resolver": {
        const { revision, instances } = value as { revision: number; instances: string };
        this.resolvers.push({ process, revision, seen: instances });
        return;
      }
      case "view": {
        const { revision, tokens } = value as { revision: number; tokens: readonly string[] };
        this.views.push({ process, revision, seen: tokens.join(" ") });
        return;
      }
      case "alarm":
        this.alarms.push(`${process}: ${String(value)}`);
        return;
      default:
        throw new Error(`a note of an unknown sort: ${op}`);
    }
  }

  #claim(process: string, key: string, value: never): void {
    const { kind, name, token, look, isBack } = value as Claim & { look: Moment; isBack: boolean };
    const id = `${process} ${kind} ${name} ${token}`;
    const known = this.beliefs.get(id);
    if (known === undefined) {
      this.beliefs.set(id, { process, kind, name, token, key, first: look, last: look, isBack });
    } else {
      known.last = look;
      known.isBack ||= isBack;
    }
  }

  #watch(process: string): WatchNote[] {
    const worker = process.split(".")[0] ?? "";
    const notes = this.watches.get(worker) ?? [];
    this.watches.set(worker, notes);
    return notes;
  }
}

/** The last line of a killed process may be cut short. */
function parse(line: string): Note | undefined {
  try {
    return JSON.parse(line) as Note;
  } catch {
    return undefined;
  }
}
