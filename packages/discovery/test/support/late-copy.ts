import { EtcdClient } from "@quorumkit/core";
import type { EmbeddedEtcd, HeldCalls } from "@quorumkit/testing";

/**
 * Runs something whose first transaction one member holds before it breaks its connections, so that a second copy goes to
 * another member. The release of `late` lets the first one run.
 */
export async function withLateCopy<T>(
  server: EmbeddedEtcd,
  act: () => Promise<T>,
): Promise<{ result: T; late: HeldCalls }> {
  const { members } = server;
  const holds = members.map(({ name: member }) => server.hold("Txn", { before: true, late: true, member }));
  const arrivals = holds.map(async (each, index) => each.reached().then(() => index));
  // Those without a call reject when they are released.
  for (const arrival of arrivals) arrival.catch(() => {});
  const acting = act();
  acting.catch(() => {});
  const holding = await Promise.race(arrivals);
  for (const [index, each] of holds.entries()) if (index !== holding) each.release();
  members[holding]?.dropConnections();
  return { result: await acting, late: holds[holding] as HeldCalls };
}

/** Lets a late copy run; gives the next two things that happen under `prefix`. */
export async function ghostOf(
  server: EmbeddedEtcd,
  prefix: string,
  late: Pick<HeldCalls, "release">,
): Promise<string[]> {
  await using other = new EtcdClient({ endpoints: server.endpoints });
  const startRevision = server.revision + 1n;
  late.release();
  const seen: string[] = [];
  for await (const { events } of other.watch({ prefix }, { startRevision })) {
    seen.push(...events.map(({ type }) => type));
    if (seen.length >= 2) break;
  }
  return seen;
}
