import { randomBytes } from "node:crypto";

const LONGEST_NAME = 40;

/** A prefix that nobody else has. It begins with the test's name, for whoever looks into etcd. */
export function newNamespace(testName: string): string {
  const name = testName
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, LONGEST_NAME)
    .replace(/^-|-$/g, "");
  return `${name === "" ? "test" : name}-${randomBytes(5).toString("hex")}/`;
}
