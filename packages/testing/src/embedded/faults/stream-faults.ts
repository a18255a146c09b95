import { status } from "@grpc/grpc-js";
import { StatusError } from "../errors.ts";
import { checkEach, isFunction, isText } from "../../check-options.ts";
import { isCode, isMemberName } from "./fault-options.ts";
import { findMethod } from "./method-names.ts";
import type { OpenStream, StreamView } from "./open-stream.ts";

/** Which streams. */
export interface StreamFilter {
  /** Only streams to the member of this name. Default: all members. */
  readonly member?: string;
  /** Only streams for which it returns true. Default: all. */
  readonly filter?: (stream: StreamView) => boolean;
}

/** Which streams are dropped, and how. */
export interface DropStreamsOptions extends StreamFilter {
  /** gRPC status with which they end. Default UNAVAILABLE. */
  readonly code?: status;
  /** Its text. Default "etcdserver: server stopped". */
  readonly details?: string;
}

/** Streams that were stalled. */
export interface Stall {
  /** How many there were. */
  readonly streams: number;
  /** Lets them go on; nothing was lost. */
  release(): void;
}

const FILTER_CHECKS = { member: isMemberName, filter: isFunction };

/** Ends open streams of a method. @returns how many. */
export function dropStreams(open: Iterable<OpenStream>, method: string, options: DropStreamsOptions): number {
  checkEach(options, { ...FILTER_CHECKS, code: isCode, details: isText }, "dropStreams");
  const { code = status.UNAVAILABLE, details = "etcdserver: server stopped" } = options;
  const chosen = choose("dropStreams", open, method, options);
  for (const stream of chosen) stream.end(new StatusError(code, details));
  return chosen.length;
}

/** Lets nothing pass on open streams of a method, in either direction, until the release. */
export function stallStreams(open: Iterable<OpenStream>, method: string, options: StreamFilter): Stall {
  checkEach(options, FILTER_CHECKS, "stallStreams");
  const releases = choose("stallStreams", open, method, options).map((stream) => stream.block());
  return {
    streams: releases.length,
    release: () => {
      for (const release of releases) release();
    },
  };
}

function choose(
  where: string,
  open: Iterable<OpenStream>,
  method: string,
  { member, filter = () => true }: StreamFilter,
): OpenStream[] {
  const { path, isStream } = findMethod(method);
  if (!isStream)
    throw new TypeError(
      `${where}: expected a method with streams, such as "Watch", got ${JSON.stringify(method)}`,
    );
  return [...open].filter(
    (stream) => stream.path === path && (member === undefined || member === stream.member) && filter(stream),
  );
}
