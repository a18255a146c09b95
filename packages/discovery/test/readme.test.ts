import { readFile } from "node:fs/promises";
import { startEtcd } from "@quorumkit/testing";
import { expect, test } from "vitest";
import { runSource } from "./support/child.ts";

test("the README's example runs, and ends by itself", async () => {
  await using etcd = await startEtcd();
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const example = /```ts\n(.*?)```/s.exec(readme)?.[1]?.replaceAll("http://127.0.0.1:2379", etcd.endpoint);
  const output = await runSource(example ?? "");
  expect(output).toContain("calling 10.0.0.7:8080\n");
  expect(output).toContain("registration: leaving");
  expect(output).toContain("registration: closed");
});
