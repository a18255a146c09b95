import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { builtinModules } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterEach, beforeEach, expect, test } from "vitest";

// A server and a client in one program, so that the whole wire is in the bundle: ours, proto-loader's and grpc-js'.
const program = `
  import { Client, Server, ServerCredentials, credentials } from "@grpc/grpc-js";
  import { rpcs, services } from "@quorumkit/proto";

  const server = new Server();
  server.addService(services.lease, {
    leaseGrant: ({ request }, callback) => callback(null, { ID: request.ID, TTL: request.TTL }),
  });
  server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
    if (error) throw error;
    const client = new Client("127.0.0.1:" + port, credentials.createInsecure());
    const { path, requestSerialize, responseDeserialize } = rpcs.lease.leaseGrant;
    const request = { ID: 2n ** 63n - 1n, TTL: 30n };
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (failure, answer) => {
      if (failure) throw failure;
      console.log(answer.ID + " " + answer.TTL + " " + answer.header);
      client.close();
      server.forceShutdown();
    });
  });
`;

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "quorumkit-bundle-"));
});

afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

test("a program bundled into one file runs where nothing is installed", async () => {
  const { metafile } = await build({
    stdin: { contents: program, resolveDir: fileURLToPath(new URL("..", import.meta.url)) },
    outfile: join(dir, "program.mjs"),
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    conditions: ["@quorumkit/source"],
    // proto-loader and grpc-js are CommonJS and call require for Node's own modules.
    banner: {
      js: `import { createRequire } from "node:module"; const require = createRequire(import.meta.url);`,
    },
    metafile: true,
    logLevel: "silent",
  });
  const outside = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path));
  expect(outside.filter((path) => !builtinModules.includes(path.replace(/^node:/, "")))).toEqual([]);

  const { stdout, stderr } = await promisify(execFile)(process.execPath, ["program.mjs"], { cwd: dir });
  expect({ stdout, stderr }).toEqual({ stdout: "9223372036854775807 30 null\n", stderr: "" });
});
