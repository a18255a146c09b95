import type { EtcdAttempt } from "../errors.ts";
import { ETCD_SOURCES, type EtcdSource } from "../options.ts";
import { cacheSource } from "./cache.ts";
import { debianSource } from "./debian/debian.ts";
import { envSource } from "./env.ts";
import { withFetchLock } from "./fetch-lock.ts";
import { pathSource } from "./path.ts";
import { releaseSource } from "./release/release.ts";
import { isFound, type BinaryRequest, type BinarySource, type FoundBinary } from "./source.ts";

const AT_HAND: readonly BinarySource[] = [envSource, pathSource, cacheSource];
const FETCHING: readonly BinarySource[] = [releaseSource, debianSource];

/** What asking all the binary sources in turn has brought: a binary, or why each had none. */
export type FindResult = { readonly found: FoundBinary } | { readonly attempts: readonly EtcdAttempt[] };

const remembered = new Map<string, Promise<FindResult>>();

/** Asks the sources in their order. What was found is remembered for the process, as long as its environment says the same. */
export async function findBinary(
  version: string | undefined,
  sources: readonly EtcdSource[] = ETCD_SOURCES,
  signal?: AbortSignal,
): Promise<FindResult> {
  signal?.throwIfAborted();
  const { ETCD_BIN, PATH, QUORUMKIT_CACHE, XDG_CACHE_HOME, HOME, QUORUMKIT_ETCD_RELEASES } = process.env;
  const environment = [ETCD_BIN, PATH, QUORUMKIT_CACHE, XDG_CACHE_HOME, HOME, QUORUMKIT_ETCD_RELEASES];
  const key = JSON.stringify([version, sources, environment]);
  const known = await remembered.get(key)?.catch(() => undefined);
  if (known !== undefined && "found" in known) return known;
  const asking = ask(version, sources, signal);
  remembered.set(key, asking);
  return asking;
}

async function ask(
  version: string | undefined,
  sources: readonly EtcdSource[],
  signal: AbortSignal | undefined,
): Promise<FindResult> {
  const among = (candidates: readonly BinarySource[]): BinarySource[] =>
    candidates.filter(({ name }) => sources.includes(name));
  const request: BinaryRequest = { version, signal };
  const atHand = await askInTurn(among(AT_HAND), request);
  const fetching = among(FETCHING);
  if ("found" in atHand || fetching.length === 0) return atHand;
  return withFetchLock(signal, async () => {
    // Another process may have fetched it while this one waited.
    const cached = await askInTurn(among([cacheSource]), request);
    if ("found" in cached) return cached;
    const fetched = await askInTurn(fetching, request);
    return "found" in fetched ? fetched : { attempts: [...atHand.attempts, ...fetched.attempts] };
  });
}

async function askInTurn(sources: readonly BinarySource[], request: BinaryRequest): Promise<FindResult> {
  const attempts: EtcdAttempt[] = [];
  for (const source of sources) {
    const result = await source.find(request);
    if (isFound(result)) return { found: result };
    attempts.push({ source: source.name, reason: result.reason });
  }
  return { attempts };
}
