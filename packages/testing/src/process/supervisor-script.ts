/**
 * The program of the supervisor, run with `node -e`: a text, because it has to run from the sources as well as from the
 * build, and must not depend on either.
 *
 * It holds directories and the processes that work in them for its parent, and HTTP requests that end what it cannot hold. When the channel to the parent breaks, which
 * is what happens however the parent ends (SIGKILL too), it kills every process, also a stopped one, removes the
 * directories, makes the requests and ends. It is in a session of its own, so that Ctrl-C or a kill of the parent's group does not reach it.
 */
export const SUPERVISOR_SCRIPT: string = String.raw`
"use strict";
const { spawn } = require("node:child_process");
const fs = require("node:fs");
const http = require("node:http");
const holds = new Map();
const requests = new Map();

const operations = {
  open({ prefix }) {
    const directory = fs.mkdtempSync(prefix);
    holds.set(directory, undefined);
    return directory;
  },
  spawn({ directory, command, args, env, log }) {
    const output = fs.openSync(log, "a");
    const child = spawn(command, args, { cwd: directory, env, stdio: ["ignore", output, output] });
    fs.closeSync(output);
    return new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("spawn", () => {
        holds.set(directory, child);
        child.once("exit", () => {
          if (holds.get(directory) === child) holds.set(directory, undefined);
          send({ exited: directory });
        });
        resolve(child.pid);
      });
    });
  },
  signal({ directory, name }) {
    return holds.get(directory)?.kill(name) ?? false;
  },
  async close({ directory }) {
    const child = holds.get(directory);
    if (child !== undefined) {
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await gone;
    }
    remove(directory);
    holds.delete(directory);
  },
  hold({ key, request }) {
    requests.set(key, request);
  },
  release({ key }) {
    requests.delete(key);
  },
};

function send(message) {
  if (process.connected) process.send(message, () => {});
}

function remove(directory) {
  fs.rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
}

function perform(request) {
  return new Promise((resolve) => {
    const call = http.request({ ...request, timeout: 10000 }, (response) => response.resume().on("close", resolve));
    call.on("timeout", () => call.destroy()).on("error", resolve).on("close", resolve).end();
  });
}

async function end() {
  for (const child of holds.values()) child?.kill("SIGKILL");
  for (const directory of holds.keys()) remove(directory);
  // What came last goes first: containers before the network they are in.
  for (const request of [...requests.values()].reverse()) await perform(request);
  process.exit(0);
}

process.on("message", async ({ id, operation, ...parameters }) => {
  try {
    send({ id, value: await operations[operation](parameters) });
  } catch (error) {
    send({ id, error: error.message });
  }
});
process.on("disconnect", end);
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, end);
`;
