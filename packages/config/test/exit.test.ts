import { expect, test } from "vitest";
import { runProgram } from "./run-program.ts";
import { sharedEtcd } from "./support.ts";

const shared = sharedEtcd();

const PROGRAM = `
  import { ConfigCenter } from "@quorumkit/config";
  import { EtcdClient } from "@quorumkit/core";
  import { z } from "zod";

  const [endpoint, close] = process.argv.slice(2);
  const timeoutMs = 60_000; // A timer that is left behind would hold the process longer than the test waits.
  const etcd = new EtcdClient({ endpoints: endpoint, timeoutMs });
  const documents = { limits: z.object({ rps: z.number().default(1) }) };
  const center = await ConfigCenter.open(etcd, { prefix: "exit", layers: ["global"], documents, timeoutMs });
  center.on("change", ({ current }) => console.log("changed to", current.rps));
  center.on("state", (state) => console.log(state));
  await center.publish("limits", { rps: 10 + Math.random() }, { layer: "global", timeoutMs });
  if (close === "center") await center.close();
  await etcd.close();
  console.log("end of the program");
`;

test.each(["center", "client"])("a process whose %s is closed ends by itself", async (close) => {
  expect(await runProgram(PROGRAM, [shared.server.endpoint, close])).toEqual([
    expect.stringMatching(/^changed to 10\.\d+$/),
    "closed",
    "end of the program",
  ]);
});
