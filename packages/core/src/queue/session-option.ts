import { Session } from "../lease/session.ts";
import { describe } from "../util/validate.ts";
import type { QueueClient } from "./queue-client.ts";

/**
 * Checks a session that a lock or an election is given. One of another client would outlive this client, or end before it,
 * with nobody left to watch the key.
 *
 * @throws TypeError when it is no session, or another client's. Namespaces of one client count as that client.
 */
export function sessionOption(
  session: Session | undefined,
  client: Pick<QueueClient, "connection">,
): Session | undefined {
  if (session === undefined) return undefined;
  if (!(session instanceof Session)) {
    throw new TypeError(`session must be a Session, received ${describe(session)}`);
  }
  if (client.connection !== undefined && session.connection !== client.connection) {
    const lease = session.leaseId.toString(16);
    throw new TypeError(
      `session must be one of the same client or of its namespaces, received another client's (lease ${lease})`,
    );
  }
  return session;
}
