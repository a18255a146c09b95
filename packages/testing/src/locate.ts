import { findBinary } from "./binary/find.ts";
import { findImage } from "./container/image.ts";
import { EtcdUnavailableError, type EtcdAttempt } from "./errors.ts";
import type { EtcdInstallation } from "./etcd-host.ts";
import { ETCD_SOURCES, type StartEtcdOptions } from "./options.ts";
import { processInstallation } from "./process/process-installation.ts";

/** The first etcd that the sources give: a binary, else an image. */
export async function locateEtcd(
  options: Pick<StartEtcdOptions, "version" | "source" | "signal">,
): Promise<EtcdInstallation> {
  const { version, source: sources = ETCD_SOURCES, signal } = options;
  const attempts: EtcdAttempt[] = [];
  const binary = await findBinary(version, sources, signal);
  if ("found" in binary) return processInstallation(binary.found);
  attempts.push(...binary.attempts);
  if (sources.includes("container")) {
    const image = await findImage(version, signal);
    if (!("reason" in image)) return image;
    attempts.push({ source: "container", reason: image.reason });
  }
  throw new EtcdUnavailableError(version, attempts);
}
