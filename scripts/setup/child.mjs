import { spawn } from "node:child_process";
import { constants } from "node:os";

/**
 * Runs a program in the foreground: its output is ours, the signals we get are passed on, and the result is its exit
 * code (128 + number when a signal ended it, as shells do). A program that cannot be started rejects.
 */
export async function runChild(command, args, options) {
  const child = spawn(command, args, { stdio: "inherit", ...options });
  const handlers = ["SIGINT", "SIGTERM", "SIGHUP"].map((signal) => {
    const handler = () => {
      // Ctrl-C reaches the whole foreground group by itself; a second copy would mean "stop at once" to the program.
      if (signal === "SIGINT" && process.stdin.isTTY) return;
      child.kill(signal);
    };
    process.on(signal, handler);
    return { signal, handler };
  });
  try {
    return await new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
    });
  } finally {
    for (const { signal, handler } of handlers) process.off(signal, handler);
  }
}
