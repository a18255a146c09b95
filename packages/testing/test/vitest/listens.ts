import { once } from "node:events";
import { connect } from "node:net";

/** Whether anybody takes connections there. */
export async function listens(endpoint: string): Promise<boolean> {
  const { hostname, port } = new URL(endpoint);
  const socket = connect(Number(port), hostname);
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
