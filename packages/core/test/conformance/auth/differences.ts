import type { Difference } from "../differences.ts";
import { ROOT } from "./side.ts";
import type { AuthStep } from "./steps.ts";

export const AUTH_DIFFERENCES: readonly Difference<AuthStep>[] = [
  {
    title: "The state of authentication",
    servers: "before 3.5",
    touches: (step) => "call" in step && step.call === "authStatus",
    probe: [{ call: "authStatus", request: {} }],
  },
  {
    title: "Tokens where authentication is off",
    servers: "before 3.4.28 and from 3.5 before 3.5.10",
    touches: (step) => "call" in step && step.call === "authDisable",
    probe: [
      { call: "authEnable", request: {} },
      { call: "authenticate", request: ROOT },
      { as: "root", call: "authDisable", request: {} },
      { as: "root", call: "roleAdd", request: { name: "reader" } },
    ],
  },
  {
    title: "Permissions for nothing",
    servers: "before 3.4.25 and from 3.5 before 3.5.8",
    touches: (step) =>
      "call" in step && step.call === "roleGrantPermission" && isEmptyRange(step.request.perm ?? {}),
    probe: [
      { call: "roleAdd", request: { name: "reader" } },
      { call: "roleGrantPermission", request: { name: "reader", perm: { key: "b", rangeEnd: "a" } } },
    ],
  },
  {
    title: "Watches from a key on",
    servers: "before 3.5.33 and from 3.6 before 3.6.14 and from 3.7 before 3.7.1",
    touches: (step) => "watch" in step && step.watch.rangeEnd === "\0",
    probe: [
      { call: "roleAdd", request: { name: "reader" } },
      { call: "roleGrantPermission", request: { name: "reader", perm: { key: "a" } } },
      { call: "userAdd", request: { name: "ann", password: "one" } },
      { call: "userGrantRole", request: { user: "ann", role: "reader" } },
      { call: "authEnable", request: {} },
      { call: "authenticate", request: { name: "ann", password: "one" } },
      { as: "ann", watch: { key: "a", rangeEnd: "\0" } },
    ],
  },
  {
    title: "Empty passwords",
    servers: "before 3.5",
    touches: (step) => "call" in step && step.call === "userChangePassword" && step.request.password === "",
    probe: [
      { call: "userAdd", request: { name: "ann", password: "one" } },
      { call: "userChangePassword", request: { name: "ann", password: "" } },
      { call: "authEnable", request: {} },
      { call: "authenticate", request: { name: "ann", password: "" } },
    ],
  },
  {
    title: "Leases of nobody",
    servers: "before 3.5.29 and from 3.6 before 3.6.10",
    touches: (step) => "keepAlive" in step || ("call" in step && step.call.startsWith("lease")),
    probe: [
      { call: "authEnable", request: {} },
      { call: "leaseLeases", request: {} },
    ],
  },
];

function isEmptyRange({
  key = "",
  rangeEnd = "",
}: {
  readonly key?: string | undefined;
  readonly rangeEnd?: string | undefined;
}): boolean {
  return rangeEnd !== "" && rangeEnd !== "\0" && rangeEnd <= key;
}
