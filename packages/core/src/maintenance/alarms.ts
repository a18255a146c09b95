import { AlarmAction, type AlarmMember, type AlarmRequestInput, AlarmType } from "@quorumkit/proto";
import { memberId } from "../cluster/member.ts";
import { printable } from "../kv/printable.ts";
import { CALL_OPTIONS, type CallOptions } from "../transport/call-options.ts";
import { callBudget } from "../transport/call-budget.ts";
import type { Connection } from "../transport/connection.ts";
import * as rpcs from "../transport/rpcs.ts";
import { describe, refuseUnknown } from "../util/validate.ts";

const TYPES = { noSpace: AlarmType.NOSPACE, corrupt: AlarmType.CORRUPT } as const;

export interface Alarm {
  /** The member that raised it. */
  readonly memberId: bigint;
  /**
   * - `noSpace`: its database is over the quota; the whole cluster takes no writes but deletes until it is disarmed.
   * - `corrupt`: its data differs from the others'.
   */
  readonly type: "noSpace" | "corrupt";
}

export interface DisarmOptions extends CallOptions {
  /** Only alarms of this type. @default all */
  readonly type?: Alarm["type"] | undefined;
  /** Only alarms of this member. @default all */
  readonly memberId?: bigint | undefined;
}

export async function listAlarms(connection: Connection, options: CallOptions): Promise<readonly Alarm[]> {
  const request: AlarmRequestInput = { action: AlarmAction.GET, memberID: 0n, alarm: AlarmType.NONE };
  const { alarms } = await connection.unary(rpcs.alarmList, request, options);
  return toAlarms(alarms);
}

/** etcd disarms one alarm of one member at a time, so this asks which there are. */
export async function disarm(connection: Connection, options: DisarmOptions): Promise<readonly Alarm[]> {
  refuseUnknown(options, ["type", "memberId", ...CALL_OPTIONS], "disarm");
  const { type, memberId: ofMember, signal, timeoutMs } = options;
  if (type !== undefined && !Object.hasOwn(TYPES, type))
    throw new TypeError(`type must be one of ${Object.keys(TYPES).join(", ")}, received ${describe(type)}`);
  if (ofMember !== undefined) memberId(ofMember);
  const left = callBudget({ timeoutMs: connection.defaultTimeoutMs }, { signal, timeoutMs }, "disarm");
  const standing = await listAlarms(connection, left());
  const chosen = standing.filter(
    (each) => (type ?? each.type) === each.type && (ofMember ?? each.memberId) === each.memberId,
  );
  const disarmed = await Promise.all(
    chosen.map(async (each) => {
      const request = { action: AlarmAction.DEACTIVATE, memberID: each.memberId, alarm: TYPES[each.type] };
      await connection.unary(rpcs.alarmDisarm, request, left());
      return each;
    }),
  );
  return disarmed;
}

function toAlarms(wire: readonly AlarmMember[]): readonly Alarm[] {
  return wire.flatMap(({ memberID, alarm }): Alarm[] => {
    if (alarm === AlarmType.NOSPACE) return [printable({ memberId: memberID, type: "noSpace" })];
    if (alarm === AlarmType.CORRUPT) return [printable({ memberId: memberID, type: "corrupt" })];
    return [];
  });
}
