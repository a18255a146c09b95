import { randomUUID } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { Snapshot } from "./snapshot.ts";

/** How far a snapshot is, in bytes. */
export interface SnapshotProgress {
  readonly receivedBytes: number;
  readonly remainingBytes: number;
}

export interface SnapshotFile {
  readonly path: string;
  /** The size of the file, its checksum included. */
  readonly sizeBytes: number;
  /** The version of the storage format; undefined where the server does not tell it (before 3.6). */
  readonly version: string | undefined;
}

/**
 * Writes a snapshot beside `path` and gives it that name when it is whole and on disk, so that there never is a half
 * one by this name. Only the owner may read it: it holds every value, and the users' password hashes.
 */
export async function writeSnapshotFile(
  snapshot: Snapshot,
  path: string,
  onProgress: ((progress: SnapshotProgress) => void) | undefined,
): Promise<SnapshotFile> {
  // Of its own: another one may be on its way to the same path.
  const part = `${path}.${randomUUID()}.part`;
  try {
    const file = await open(part, "wx", 0o600);
    try {
      for await (const piece of snapshot) {
        await writeAll(file, piece);
        onProgress?.({
          receivedBytes: snapshot.receivedBytes,
          remainingBytes: snapshot.remainingBytes ?? 0,
        });
      }
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
  await syncDirectory(dirname(path));
  return { path, sizeBytes: snapshot.receivedBytes, version: snapshot.version };
}

/** One write may take less than it was given. */
async function writeAll(file: FileHandle, piece: Buffer): Promise<void> {
  for (let written = 0; written < piece.length;) {
    written += (await file.write(piece, written)).bytesWritten;
  }
}

/** The new name is on disk only when its directory is. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
