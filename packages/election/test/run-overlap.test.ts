import { EtcdClient } from "@quorumkit/core";
import { deferred } from "@quorumkit/core/internal";
import { Election, type Leadership } from "@quorumkit/election";
import { expect, it } from "vitest";
import { eventually, reasonOf, useEtcd } from "./support/harness.ts";

const harness = useEtcd();

/** Between two terms a runner rests for half a second to a second, so after so many of another's it is its turn again. */
const TERMS_OF_ANOTHER = 5;

it("a function that goes on after its term was lost keeps its runner out of the election", async () => {
  const name = harness.newName();
  const stop = new AbortController();
  await using election = new Election(harness.etcd, name);
  const mayEnd = deferred<void>();
  const terms: Leadership[] = [];
  let working = 0;
  let most = 0;
  const runner = election.run(
    async (leadership) => {
      most = Math.max(most, (working += 1));
      terms.push(leadership);
      if (terms.length === 1) await mayEnd.promise;
      working -= 1;
    },
    { signal: stop.signal, value: "runner" },
  );
  await eventually(() => terms.length).toBe(1);
  await harness.etcd.delete(terms[0]?.key ?? "");
  expect(await reasonOf(terms[0]?.signal ?? AbortSignal.abort())).toMatchObject({ code: "KEY_DELETED" });

  await using client = new EtcdClient({ endpoints: harness.server.endpoints });
  await using another = new Election(client, name);
  let others = 0;
  const other = another.run(() => void (others += 1), { signal: stop.signal, value: "another" });
  await eventually(() => others).toBeGreaterThanOrEqual(TERMS_OF_ANOTHER);
  expect([terms.length, most]).toEqual([1, 1]);
  const { kvs } = await harness.etcd.range({ prefix: `${name}/` });
  expect(kvs.map((kv) => kv.text())).not.toContain("runner");

  mayEnd.resolve();
  await eventually(() => terms.length).toBeGreaterThanOrEqual(2);
  expect(most).toBe(1);
  stop.abort();
  await Promise.all([runner, other]);
});
