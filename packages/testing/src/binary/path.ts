import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { satisfies } from "../version.ts";
import { probeVersion } from "./probe.ts";
import { notFound, type BinarySource } from "./source.ts";

/** The first `etcd` on PATH that runs and has the version asked for. */
export const pathSource: BinarySource = {
  name: "path",
  async find({ version: asked, signal }) {
    const passed: string[] = [];
    for (const path of await onPath("etcd")) {
      try {
        const version = await probeVersion(path, signal);
        if (satisfies(version, asked)) return { path, version, origin: "PATH" };
        passed.push(`${path} is ${version}`);
      } catch (error) {
        signal?.throwIfAborted();
        passed.push((error as Error).message);
      }
    }
    return notFound(passed.length > 0 ? passed.join("; ") : "no etcd on PATH");
  },
};

/** Every executable of this name on PATH, in PATH's order. */
export async function onPath(name: string): Promise<string[]> {
  const paths = (process.env["PATH"] ?? "").split(delimiter).filter((directory) => directory !== "");
  const found = await Promise.all(
    paths.map(async (directory) => {
      const path = join(directory, name);
      return access(path, constants.X_OK).then(
        () => path,
        () => undefined,
      );
    }),
  );
  return found.filter((path) => path !== undefined);
}
