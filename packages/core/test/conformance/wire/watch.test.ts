import { describe, it } from "vitest";
import { expectAlikeOnTheWire } from "./wire.ts";

describe("the embedded server answers as etcd does on the wire", { timeout: 240_000 }, () => {
  it("to many watches on a stream, from the past, the present and the future", () =>
    expectAlikeOnTheWire(
      { put: 10, deleteRange: 3, txn: 3, compact: 1, lease: 2, watch: 5, pastWatch: 2 },
      500,
    ));
});
