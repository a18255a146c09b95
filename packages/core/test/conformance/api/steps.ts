import type { Sort } from "@quorumkit/core";
import type { Ref } from "../resolve.ts";

export type ApiRange = string | { readonly prefix: string } | { readonly from: string; readonly to?: string };

export interface ApiPut {
  readonly key: string;
  readonly value: string;
  readonly lease?: bigint;
  readonly prevKv?: boolean;
  readonly ignoreValue?: boolean;
  readonly ignoreLease?: boolean;
}

export interface ApiRead {
  readonly range: ApiRange;
  readonly limit?: number;
  readonly revision?: bigint | Ref;
  readonly sort?: Sort;
  readonly keysOnly?: boolean;
  readonly countOnly?: boolean;
  readonly serializable?: boolean;
}

export type ApiOp =
  | { readonly put: ApiPut }
  | { readonly range: ApiRead }
  | { readonly delete: ApiRange }
  | { readonly txn: ApiTxn };

export interface ApiTxn {
  readonly if: readonly { readonly range: ApiRange; readonly version?: bigint; readonly value?: string }[];
  readonly then: readonly ApiOp[];
  readonly else: readonly ApiOp[];
}

/** One call of EtcdClient, or of something it has given before. */
export type ApiStep =
  | { readonly put: ApiPut }
  | { readonly get: string; readonly revision?: bigint | Ref }
  | { readonly range: ApiRead }
  | { readonly scan: ApiRange; readonly pageSize: number; readonly revision?: Ref }
  | { readonly delete: ApiRange; readonly prevKv: boolean }
  | { readonly txn: ApiTxn }
  | { readonly swap: string; readonly expected?: string; readonly next: string }
  | { readonly putIfAbsent: string; readonly value: string }
  | { readonly putAll: readonly (readonly [string, string])[] }
  /** Adds to one key what it takes from another. */
  | {
      readonly stm: readonly [from: string, to: string];
      readonly isolation: "serializableSnapshot" | "readCommitted";
    }
  | { readonly grant: bigint; readonly ttlSeconds: number }
  | { readonly revoke: bigint }
  | { readonly timeToLive: bigint }
  | { readonly keepAliveOnce: bigint }
  | { readonly leases: true }
  /** A session of its own under this number, or its end where there is one. */
  | { readonly session: number }
  | { readonly sessionPut: string; readonly session: number }
  /** Takes a lock, or releases it where this session has it. */
  | { readonly lock: string; readonly session: number }
  /** A write that is applied while the lock is held. */
  | { readonly lockedPut: string; readonly lock: string; readonly session: number }
  | { readonly deleteLock: string }
  | { readonly watch: ApiRange; readonly start?: Ref; readonly prevKv: boolean; readonly noDeletes: boolean }
  | { readonly mirror: ApiRange }
  | { readonly compact: bigint | Ref }
  /** Compares what watches have delivered, and what mirrors show. */
  | { readonly settle: true };
