import { describe, it } from "vitest";
import { expectAlikeOnTheWire } from "./wire.ts";

describe("the embedded server answers as etcd does on the wire", { timeout: 240_000 }, () => {
  it("to reads at any revision, writes, deletes and compactions", () =>
    expectAlikeOnTheWire({ put: 8, range: 12, rangeStream: 1, deleteRange: 4, compact: 1, txn: 1 }, 600));
});
