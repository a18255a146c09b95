import { isDeepStrictEqual } from "node:util";
import type { Difference } from "../differences.ts";
import type { Plain } from "../normalise.ts";
import { ROOT } from "./side.ts";
import type { AuthStep } from "./steps.ts";

export const AUTH_DIFFERENCES: readonly Difference<AuthStep>[] = [
  {
    title: "The state of authentication",
    servers: "before 3.5",
    explains: (etcd, _embedded, step) => "call" in step && step.call === "authStatus" && codeOf(etcd) === 12,
    probe: [{ call: "authStatus", request: {} }],
  },
  {
    title: "Tokens where authentication is off",
    servers: "before 3.4.28 and from 3.5 before 3.5.10",
    spare: (step, before) => {
      if (!before.some((each) => "call" in each && each.call === "authDisable")) return step;
      const { as: _as, ...withoutToken } = step;
      return withoutToken;
    },
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
    spare: (step) => {
      if (!("call" in step) || step.call !== "roleGrantPermission" || !isEmptyRange(step.request.perm ?? {}))
        return step;
      return { ...step, request: { ...step.request, perm: { ...step.request.perm, rangeEnd: "" } } };
    },
    probe: [
      { call: "roleAdd", request: { name: "reader" } },
      { call: "roleGrantPermission", request: { name: "reader", perm: { key: "b", rangeEnd: "a" } } },
    ],
  },
  {
    title: "Watches from a key on",
    servers: "before 3.5.33 and from 3.6 before 3.6.14 and from 3.7 before 3.7.1",
    explains: (etcd, embedded, step) =>
      "watch" in step && step.watch.rangeEnd === "\0" && isOpened(etcd) && isForbidden(embedded),
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
    spare: (step) =>
      "call" in step && step.call === "userChangePassword" && step.request.password === ""
        ? { ...step, request: { ...step.request, password: "two" } }
        : step,
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
    spare: (step, before) =>
      !isAboutLeases(step) || (step.as === ROOT.name && before.some(isLoginOfRoot)) ? step : undefined,
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

function isAboutLeases(step: AuthStep): boolean {
  return "keepAlive" in step || ("call" in step && step.call.startsWith("lease"));
}

/** After it root is who it says it is: sequences cannot take its rights, see the generators. */
function isLoginOfRoot(step: AuthStep): boolean {
  return "call" in step && step.call === "authenticate" && isDeepStrictEqual(step.request, ROOT);
}

function codeOf(answer: Plain): Plain | undefined {
  return (answer as { readonly code?: Plain }).code;
}

/** The first answer to a watch. */
interface WatchAnswer {
  readonly created: boolean;
  readonly canceled: boolean;
  readonly cancelReason: string;
}

function isOpened(answer: Plain): boolean {
  const { created, canceled } = answer as unknown as WatchAnswer;
  return created && !canceled;
}

function isForbidden(answer: Plain): boolean {
  const { canceled, cancelReason } = answer as unknown as WatchAnswer;
  return canceled && cancelReason.includes("permission denied");
}
