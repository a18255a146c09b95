import { readdir, readFile, readlink } from "node:fs/promises";
import { platform } from "node:os";

const LOOPBACK = "0100007F";
const SOURCE = 1;
const TARGET = 2;
const INODE = 9;

/**
 * Which of these processes has the TCP connection from this port of 127.0.0.1 to that one. Linux tells it (proc_pid_fd(5),
 * proc_pid_net(5)); elsewhere, and when the connection has gone, it is `undefined`.
 */
export async function socketOwner(
  fromPort: number,
  toPort: number,
  pids: readonly number[],
): Promise<number | undefined> {
  if (platform() !== "linux") return undefined;
  const connections = await readFile("/proc/self/net/tcp", "latin1").catch(() => "");
  const [source, target] = [address(fromPort), address(toPort)];
  const columns = connections
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .find((line) => line[SOURCE] === source && line[TARGET] === target);
  const inode = columns?.[INODE];
  if (inode === undefined || inode === "0") return undefined;
  const owns = await Promise.all(pids.map((pid) => hasSocket(pid, inode)));
  return pids.find((_, index) => owns[index]);
}

async function hasSocket(pid: number, inode: string): Promise<boolean> {
  const directory = `/proc/${pid}/fd`;
  const files = await readdir(directory).catch((): string[] => []);
  const links = await Promise.all(files.map((file) => readlink(`${directory}/${file}`).catch(() => "")));
  return links.includes(`socket:[${inode}]`);
}

/** As the kernel writes it: a little-endian machine's view of the address, and the port, in hex. */
function address(port: number): string {
  return `${LOOPBACK}:${port.toString(16).toUpperCase().padStart(4, "0")}`;
}
