import { describe, it } from "vitest";
import { expectAlikeOnTheWire } from "./wire.ts";

describe("the embedded server answers as etcd does on the wire", { timeout: 240_000 }, () => {
  it("to leases and what hangs on them", () =>
    expectAlikeOnTheWire({ lease: 12, put: 10, txn: 2, range: 2, deleteRange: 2, watch: 1 }, 300));
});
