import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";

/** What {@link openHistoryFile} takes. */
export interface HistoryFileOptions {
  /**
   * Wait for the disk at every line. Default `false`: what was written outlives the process, however it ends, since the
   * kernel has it; only a crash of the machine would lose it.
   */
  readonly fsync?: boolean;
}

/** A file of lines. */
export interface HistoryFile {
  readonly path: string;
  /** For {@link HistoryRecorder}: has given the line to the kernel when it returns. */
  readonly write: (line: string) => void;
  /** May be called again. A line written afterwards throws. */
  close(): void;
}

/**
 * Makes the history file of one process. Written without a buffer, so that a process that is killed loses nothing it had
 * recorded; at worst its last line is torn, and {@link readHistory} knows that.
 *
 * @throws Error (`EEXIST`) when there is such a file: behind another process's torn line nothing may be appended.
 */
export function openHistoryFile(path: string, { fsync = false }: HistoryFileOptions = {}): HistoryFile {
  let file: number | undefined = openSync(path, "ax");
  const write = (line: string): void => {
    if (file === undefined) throw new Error(`${path} is closed`);
    const bytes = Buffer.from(`${line}\n`);
    // The kernel may take a part only, on a disk that is nearly full.
    for (let written = 0; written < bytes.length;) written += writeSync(file, bytes, written);
    if (fsync) fsyncSync(file);
  };
  const close = (): void => {
    if (file !== undefined) closeSync(file);
    file = undefined;
  };
  return { path, write, close };
}
