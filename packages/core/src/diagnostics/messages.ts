import type { EtcdErrorCode } from "../errors/error-codes.ts";
import type { EtcdError, Outcome } from "../errors/etcd-error.ts";
import type { ConnectionStatus } from "../transport/connection-state.ts";
import type { RpcKind } from "../transport/rpcs.ts";

/**
 * A call from its beginning to its end, all sendings together: the context object of a `TracingChannel`, which is the
 * same object at `start`, `end`, `asyncStart`, `asyncEnd` and `error`. What is only known later is filled in later.
 */
export interface CallMessage {
  /** The RPC's name, such as `Range` or `Txn`. */
  readonly rpc: string;
  readonly kind: RpcKind;
  /** The deadline, in ms. */
  readonly timeoutMs: number;
  /** How often it was sent, or tried to be sent. */
  attempts: number;
  /** Where it was sent last. */
  endpoint: string | undefined;
  /** Why it rejected; set before `error` is published. */
  error?: unknown;
}

/** A sending failed, and the call goes on: elsewhere, or after a wait. */
export interface RetryMessage {
  readonly rpc: string;
  readonly endpoint: string;
  /** Which sending failed, from 1. */
  readonly attempt: number;
  readonly code: EtcdErrorCode;
  readonly outcome: Outcome;
  /** The server's or transport's words. */
  readonly reason: string;
}

/** A stream was opened, or ended for whatever reason. */
export type StreamMessage =
  | { readonly event: "open"; readonly rpc: string; readonly endpoint: string }
  | {
      readonly event: "end";
      readonly rpc: string;
      readonly endpoint: string;
      readonly lastedMs: number;
      /** Why it ended; undefined when this side ended it. */
      readonly error: EtcdError | undefined;
    };

/** What happened to the lease of a session. */
export type LeaseMessage =
  // Also of a lease that was there already, when a session is opened on it.
  | { readonly event: "granted"; readonly leaseId: bigint; readonly ttlSeconds: number }
  | {
      readonly event: "renewed";
      readonly leaseId: bigint;
      readonly ttlSeconds: number;
      /** For how long the lease was still proven to live when the answer came, in ms: how close it was. */
      readonly slackMs: number;
    }
  | {
      readonly event: "ended";
      readonly leaseId: bigint;
      /** `CLOSED` when the program ended the session. */
      readonly code: EtcdErrorCode;
    };

/** What happened to a watcher. Watchers are told apart by a number that is their own in this process. */
export type WatchMessage =
  | {
      readonly event: "state";
      readonly watcher: number;
      readonly state: "connecting" | "live" | "interrupted" | "closed";
      readonly error: EtcdError | undefined;
    }
  | {
      readonly event: "batch";
      readonly watcher: number;
      /** How many events came. */
      readonly events: number;
      /** Up to which revision everything has come. */
      readonly revision: bigint;
    };

/** The connection's state, an endpoint's, the list of endpoints, or whether the files of `tls` can be used changed. */
export type ConnectionMessage = ConnectionStatus;
