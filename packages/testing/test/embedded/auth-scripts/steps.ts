import { step, type Step } from "./script.ts";

export const bytes = (text: string): Buffer => Buffer.from(text);
export const READ = 0 as const;
export const WRITE = 1;
export const READWRITE = 2;
export const NUL = Buffer.of(0);

export const userAdd = (name: string, password: string, as?: string): Step =>
  step("auth", "userAdd", { name, password }, as);
export const login = (name: string, password: string): Step =>
  step("auth", "authenticate", { name, password });
export const grant = (role: string, permType: 0 | 1 | 2, key: string, rangeEnd: Buffer, as?: string): Step =>
  step("auth", "roleGrantPermission", { name: role, perm: { permType, key: bytes(key), rangeEnd } }, as);
export const put = (key: string, as?: string, more: { lease?: bigint; prevKv?: boolean } = {}): Step =>
  step("kv", "put", { key: bytes(key), value: bytes("v"), ...more }, as);
/** Left out when it is empty: etcd takes an empty one that is written out as the end of all keys, at some places. */
const end = (rangeEnd: string): { rangeEnd?: Buffer } =>
  rangeEnd === "" ? {} : { rangeEnd: bytes(rangeEnd) };
export const range = (key: string, rangeEnd = "", as?: string): Step =>
  step("kv", "range", { key: bytes(key), ...end(rangeEnd) }, as);
export const del = (key: string, rangeEnd = "", as?: string, prevKv = false): Step =>
  step("kv", "deleteRange", { key: bytes(key), ...end(rangeEnd), prevKv }, as);

/** Users with roles; authentication is turned on, and they log in. */
export const setUp: readonly Step[] = [
  userAdd("root", "r"),
  step("auth", "userGrantRole", { user: "root", role: "root" }),
  ...["reader", "writer", "parts", "prefix", "everything"].flatMap((name) => [
    userAdd(name, name),
    step("auth", "roleAdd", { name }),
    step("auth", "userGrantRole", { user: name, role: name }),
  ]),
  userAdd("bare", "bare"),
  userAdd("admin", "admin"),
  step("auth", "userGrantRole", { user: "admin", role: "root" }),
  grant("reader", READ, "a", bytes("b")),
  grant("writer", WRITE, "a", bytes("b")),
  grant("writer", WRITE, "one", bytes("")),
  // Together from "a" to "d" without "cc", and from "x" on.
  grant("parts", READWRITE, "a", bytes("b")),
  grant("parts", READ, "b", bytes("c")),
  step("auth", "userGrantRole", { user: "parts", role: "prefix" }),
  grant("prefix", READWRITE, "c", bytes("cc")),
  grant("prefix", READ, "cc\0", bytes("d")),
  grant("prefix", WRITE, "bz", bytes("c")),
  grant("prefix", READWRITE, "x", NUL),
  grant("everything", READWRITE, "\0", NUL),
  put("a"),
  put("c"),
  step("lease", "leaseGrant", { ID: 5n, TTL: 600n }),
  step("lease", "leaseGrant", { ID: 6n, TTL: 600n }),
  step("lease", "leaseGrant", { ID: 7n, TTL: 600n }),
  put("leased", undefined, { lease: 5n }),
  put("a-leased", undefined, { lease: 6n }),
  step("auth", "authEnable", {}),
  ...["root", "reader", "writer", "parts", "prefix", "everything", "bare", "admin"].map((name) =>
    login(name, name === "root" ? "r" : name),
  ),
];

export const WHO: readonly (string | undefined)[] = [
  undefined,
  "bare",
  "reader",
  "writer",
  "parts",
  "prefix",
  "everything",
  "admin",
  "root",
];
