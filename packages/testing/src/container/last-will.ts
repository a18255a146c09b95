import { Supervisor } from "../process/supervisor.ts";
import type { Testcontainers } from "./testcontainers.ts";

/** How dockerode reaches the engine: over a socket, or plain HTTP. */
interface Modem {
  readonly socketPath?: string;
  readonly protocol?: string;
  readonly host?: string;
  readonly port?: number | string;
}

/**
 * Has the supervisor remove a container or a network from the engine when this process is gone, like the processes it
 * holds. testcontainers has a cleaner of its own for that (Ryuk), which is a container as well, so it is missing where its
 * image cannot be pulled, or it is switched off. An engine behind TLS is left to it alone.
 * @returns what to call when the thing was removed in order.
 */
export async function removeWhenGone(library: Testcontainers, path: string): Promise<() => Promise<void>> {
  const engine = await library.getContainerRuntimeClient();
  const { socketPath, protocol, host, port } = engine.container.dockerode.modem as Modem;
  if (socketPath === undefined && protocol !== "http") return () => Promise.resolve();
  return Supervisor.shared().hold({
    ...(socketPath === undefined ? { host, port } : { socketPath }),
    path,
    method: "DELETE",
  });
}
