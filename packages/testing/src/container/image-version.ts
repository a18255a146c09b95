import { text } from "node:stream/consumers";
import type { Testcontainers } from "./testcontainers.ts";

/** The version of the etcd in an image: asked from the image, since a tag may say anything. Pulls the image if need be. */
export async function imageVersion(library: Testcontainers, image: string): Promise<string> {
  const container = await new library.GenericContainer(image)
    .withEntrypoint(["etcd"])
    .withCommand(["--version"])
    .withWaitStrategy(library.Wait.forOneShotStartup())
    .start();
  // The log stream of testcontainers does not keep a process alive, and nothing else would while it is read.
  const awake = setInterval(() => {}, 60_000);
  try {
    const output = await text(await container.logs());
    const version = /^etcd Version: (\S+)/m.exec(output)?.[1];
    if (version === undefined)
      throw new Error(`the etcd of the image ${image} does not say its version: ${output.trim()}`);
    return version;
  } finally {
    clearInterval(awake);
    await container.stop();
  }
}
