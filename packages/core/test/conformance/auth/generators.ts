import { PermissionType } from "@quorumkit/proto";
import * as fc from "fast-check";
import { ROOT } from "./side.ts";
import type { AuthCalls, AuthStep } from "./steps.ts";

const MAX_STEPS = 60;

const user = fc.constantFrom("ann", "ann", "bob", "root", "nobody", "");
/** Whose token a call has: mostly somebody who may do something. */
const caller = fc.constantFrom(undefined, "root", "root", "root", "ann", "ann", "bob", "nobody");
/** Root stays who it is: without it a server with authentication can never be opened again. */
const other = fc.constantFrom("ann", "ann", "bob", "nobody", "");
const role = fc.constantFrom("reader", "reader", "writer", "root", "none", "");
const otherRole = fc.constantFrom("reader", "reader", "writer", "none", "");
const password = fc.constantFrom("one", "one", "one", "two", "");
const key = fc.constantFrom("a", "a", "b", "c", "aa", "a\0", "\0", "\xff");
const rangeEnd = fc.constantFrom("", "", "b", "c", "a\0", "\0", "\xff", "a");
const span = fc.record({ key, rangeEnd });
const value = fc.constantFrom("x", "y");
const lease = fc.constantFrom(1n, 2n);

const op = fc.oneof(
  span.map((requestRange) => ({ requestRange })),
  fc.record({ key, value, prevKv: fc.boolean() }).map((requestPut) => ({ requestPut })),
  span.map((requestDeleteRange) => ({ requestDeleteRange })),
);
const txn = fc.record({
  compare: fc.array(fc.record({ key, rangeEnd, target: fc.constant(0 as const), version: fc.constant(0n) }), {
    maxLength: 1,
  }),
  success: fc.array(op, { maxLength: 2 }),
  failure: fc.array(op, { maxLength: 2 }),
});
const permission = fc.record({
  permType: fc.constantFrom(PermissionType.READ, PermissionType.WRITE, PermissionType.READWRITE),
  key,
  rangeEnd,
});

type Requests = {
  readonly [Name in keyof AuthCalls]?: fc.Arbitrary<Extract<AuthStep, { call: Name }>["request"]>;
};

const administration: Requests = {
  authDisable: fc.constant({}),
  authStatus: fc.constant({}),
  userAdd: fc.record({ name: other, password, options: fc.constantFrom(null, null, { noPassword: true }) }),
  userGet: fc.record({ name: user }),
  userList: fc.constant({}),
  userDelete: fc.record({ name: other }),
  userChangePassword: fc.record({ name: other, password }),
  userGrantRole: fc.record({ user, role }),
  userRevokeRole: fc.record({ name: other, role }),
  roleAdd: fc.record({ name: role }),
  roleGet: fc.record({ role }),
  roleList: fc.constant({}),
  roleDelete: fc.record({ role: otherRole }),
  roleGrantPermission: fc.record({ name: role, perm: permission }),
  roleRevokePermission: fc.record({ role, key, rangeEnd }),
};
const login: Requests = { authenticate: fc.record({ name: user, password }) };
const work: Requests = {
  range: span,
  put: fc.record({ key, value, lease: fc.constantFrom(0n, 0n, 1n), prevKv: fc.boolean() }),
  deleteRange: fc.record({ key, rangeEnd, prevKv: fc.boolean() }),
  txn,
  leaseGrant: fc.record({ ID: lease, TTL: fc.constant(300n) }),
  leaseRevoke: fc.record({ ID: lease }),
  leaseTimeToLive: fc.record({ ID: lease, keys: fc.boolean() }),
  leaseLeases: fc.constant({}),
};

const callsOf = (requests: Requests, as: fc.Arbitrary<string | undefined>): fc.Arbitrary<AuthStep> =>
  fc.oneof(
    ...Object.entries(requests).map(([call, request]) =>
      fc
        .tuple(as, request as fc.Arbitrary<object>)
        .map(([name, each]) => stepOf(name, { call, request: each })),
    ),
  );
const stepOf = (as: string | undefined, rest: object): AuthStep =>
  (as === undefined ? rest : { as, ...rest }) as AuthStep;

const step: fc.Arbitrary<AuthStep> = fc.oneof(
  {
    arbitrary: callsOf(administration, fc.constantFrom("root", "root", "root", "ann", undefined)),
    weight: 8,
  },
  { arbitrary: callsOf(login, fc.constant(undefined)), weight: 3 },
  { arbitrary: callsOf(work, caller), weight: 8 },
  { arbitrary: fc.tuple(caller, span).map(([as, watch]) => stepOf(as, { watch })), weight: 1 },
  { arbitrary: fc.tuple(caller, lease).map(([as, keepAlive]) => stepOf(as, { keepAlive })), weight: 1 },
);

/** Users and roles as one would have them, each with a chance to be missing. */
const beginning: readonly AuthStep[] = [
  { call: "roleAdd", request: { name: "reader" } },
  {
    call: "roleGrantPermission",
    request: { name: "reader", perm: { permType: PermissionType.READ, key: "a", rangeEnd: "c" } },
  },
  { call: "roleAdd", request: { name: "writer" } },
  {
    call: "roleGrantPermission",
    request: { name: "writer", perm: { permType: PermissionType.READWRITE, key: "b", rangeEnd: "\0" } },
  },
  { call: "userAdd", request: { name: "ann", password: "one" } },
  { call: "userGrantRole", request: { user: "ann", role: "reader" } },
  { call: "userAdd", request: { name: "bob", password: "one" } },
  { call: "userGrantRole", request: { user: "bob", role: "writer" } },
  { call: "authEnable", request: {} },
  { call: "authenticate", request: ROOT },
  { call: "authenticate", request: { name: "ann", password: "one" } },
  { call: "authenticate", request: { name: "bob", password: "one" } },
];

/** Sequences of up to 60 steps. */
export const sequences: fc.Arbitrary<AuthStep[]> = fc
  .tuple(
    fc.subarray([...beginning], { minLength: beginning.length - 4 }),
    fc.array(step, { maxLength: MAX_STEPS - beginning.length, size: "max" }),
  )
  .map(([first, then]) => [...first, ...then]);
