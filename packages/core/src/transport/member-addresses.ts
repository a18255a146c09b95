import type { Member } from "@quorumkit/proto";
import { type EndpointUrl, parseEndpoint } from "./endpoint-url.ts";

/** A member, and where clients may try to reach it, in its own order. */
export interface MemberPlace {
  readonly isLearner: boolean;
  readonly addresses: readonly EndpointUrl[];
}

/**
 * Reads the client URLs of a member list, and leaves out what is no address from here: "any address" (`0.0.0.0`, `[::]`),
 * what a server listens on and many advertise by mistake; this very machine (`localhost`, etcd's default, or a unix socket), unless the
 * user's own list has such an address too; members that have not been started; and what is encrypted where the user's
 * endpoints are not, or the other way round, since a password must not go out in the clear because a list says so.
 */
export function memberAddresses(
  members: readonly Pick<Member, "name" | "clientURLs" | "isLearner">[],
  seeds: readonly EndpointUrl[],
): readonly MemberPlace[] {
  const seedsAreLocal = seeds.some(isLoopback);
  const usable = (address: EndpointUrl): boolean =>
    !isUnspecified(address) &&
    (seedsAreLocal || !isLoopback(address)) &&
    seeds.some(({ secure }) => secure === address.secure);
  return members
    .filter(({ name }) => name !== "")
    .map(({ clientURLs, isLearner }) => ({
      isLearner,
      addresses: clientURLs.flatMap(parsed).filter(usable),
    }));
}

function parsed(url: string): EndpointUrl[] {
  try {
    return [parseEndpoint(url)];
  } catch {
    return [];
  }
}

function hostOf({ target }: EndpointUrl): string {
  return target.replace(/:\d+$/, "");
}

function isUnspecified(address: EndpointUrl): boolean {
  const host = hostOf(address);
  return host === "[::]" || /^0+(\.0+){0,3}$/.test(host);
}

/** A socket in the file system is of this machine, too. */
function isLoopback(address: EndpointUrl): boolean {
  const host = hostOf(address);
  return host === "localhost" || host === "[::1]" || host.startsWith("127.") || host.startsWith("unix:");
}
