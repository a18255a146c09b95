import { resolve } from "node:path";
import { satisfies } from "../version.ts";
import { probeVersion } from "./probe.ts";
import { notFound, type BinarySource } from "./source.ts";

/** The binary that `ETCD_BIN` names. When it is set, it is meant: one that does not fit is an error, not a reason to look on. */
export const envSource: BinarySource = {
  name: "env",
  async find({ version: asked, signal }) {
    const named = process.env["ETCD_BIN"];
    if (named === undefined || named === "") return notFound("ETCD_BIN is not set");
    const path = resolve(named);
    const version = await probeVersion(path, signal).catch((error: Error) => {
      signal?.throwIfAborted();
      throw new Error(`ETCD_BIN is "${named}", which cannot be used: ${error.message}`, { cause: error });
    });
    if (!satisfies(version, asked)) {
      throw new Error(
        `ETCD_BIN is "${named}", an etcd ${version}, but ${asked === undefined ? "3.4 or later is needed" : `version ${asked} was asked for`}`,
      );
    }
    return { path, version, origin: "ETCD_BIN" };
  },
};
