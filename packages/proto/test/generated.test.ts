import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const script = fileURLToPath(new URL("../scripts/generate.mjs", import.meta.url));

test("src/gen is what the .proto files give", async () => {
  // Rejects with the list of outdated files when there are any.
  await expect(promisify(execFile)(process.execPath, [script, "--check"])).resolves.toEqual({
    stdout: "",
    stderr: "",
  });
});
