import { isDeepStrictEqual, types } from "node:util";
import { isPlainObject } from "./freeze.ts";
import type { ConfigPath } from "./types.ts";

/**
 * The paths at which two effective values differ, in the order of the new value's keys, then those that are gone.
 * Objects are compared key by key; an array is one value, because layers replace arrays as a whole.
 */
export function changedPaths(previous: unknown, current: unknown): readonly ConfigPath[] {
  const paths: ConfigPath[] = [];
  collect(previous, current, [], paths);
  return paths;
}

function collect(previous: unknown, current: unknown, path: ConfigPath, paths: ConfigPath[]): void {
  if (previous === current) return;
  if (!isPlainObject(previous) || !isPlainObject(current)) {
    if (!isSame(previous, current)) paths.push(path);
    return;
  }
  for (const key of new Set([...Object.keys(current), ...Object.keys(previous)])) {
    const below = [...path, key];
    // A key that holds undefined is not a key that is absent.
    if (Object.hasOwn(previous, key) === Object.hasOwn(current, key))
      collect(previous[key], current[key], below, paths);
    else paths.push(below);
  }
}

function isSame(previous: unknown, current: unknown): boolean {
  if (Object.is(previous, current)) return true;
  if (Array.isArray(previous) && Array.isArray(current)) {
    return (
      previous.length === current.length && previous.every((item, index) => isSame(item, current[index]))
    );
  }
  if (isPlainObject(previous) && isPlainObject(current)) return changedPaths(previous, current).length === 0;
  if (previous instanceof URL && current instanceof URL) return previous.href === current.href;
  return isTransparent(previous) && isTransparent(current) && isDeepStrictEqual(previous, current);
}

/**
 * Whether all there is of a value can be seen from outside. An instance of some class may differ in what it hides, so
 * two of them never count as the same: a change too many is told, never one too few.
 */
function isTransparent(value: unknown): boolean {
  return (
    types.isDate(value) || types.isRegExp(value) || types.isAnyArrayBuffer(value) || ArrayBuffer.isView(value)
  );
}
