import { expect, test } from "vitest";
import { services } from "@quorumkit/proto";
import { checkBigInt } from "../src/check-bigint.ts";

const { leaseRevoke } = services.lease;

function decodesIdAs(ID: bigint): typeof leaseRevoke {
  return { ...leaseRevoke, requestDeserialize: () => ({ ID }) };
}

test("the protobufjs installed here passes", () => {
  expect(() => checkBigInt(leaseRevoke)).not.toThrow();
});

test("one that writes a bigint as 0 is refused, with the floor and what to do", () => {
  expect(() => checkBigInt(decodesIdAs(0n))).toThrow(
    /needs protobufjs 7\.6\.0 or later.*came back as bigint 0\..*npm ls protobufjs/,
  );
});

test("one that rounds to a double is refused", () => {
  expect(() => checkBigInt(decodesIdAs(2n ** 53n))).toThrow(/came back as bigint 9007199254740992\./);
});

test("one that decodes to objects is refused, also where they print the same", () => {
  const long = { toString: () => String(2n ** 53n + 1n) } as unknown as bigint;
  expect(() => checkBigInt(decodesIdAs(long))).toThrow(/came back as object 9007199254740993\./);
});

test("one that throws at a bigint is refused with the same advice", () => {
  const method: typeof leaseRevoke = {
    ...leaseRevoke,
    requestSerialize: () => {
      throw new TypeError("Cannot convert a BigInt value to a number");
    },
  };
  expect(() => checkBigInt(method)).toThrow(/protobufjs 7\.6\.0.*Cannot convert a BigInt/);
});
