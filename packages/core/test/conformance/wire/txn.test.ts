import { describe, it } from "vitest";
import { expectAlikeOnTheWire } from "./wire.ts";

describe("the embedded server answers as etcd does on the wire", { timeout: 240_000 }, () => {
  it("to transactions, nested and forbidden ones too", () =>
    expectAlikeOnTheWire({ txn: 16, put: 6, range: 2, deleteRange: 2, compact: 1, lease: 3 }, 700));
});
