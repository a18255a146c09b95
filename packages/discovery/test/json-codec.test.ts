import { expect, test } from "vitest";
import { codecNamed } from "../src/codec/codecs.ts";
import { jsonCodec } from "../src/codec/json-codec.ts";
import { instanceOf, type ServiceInstance } from "../src/instance.ts";

const decode = (value: string): readonly ServiceInstance[] =>
  jsonCodec.decode({ service: "orders", name: "id1", value: Buffer.from(value) });

test("what is written is read again", () => {
  const instance = instanceOf(
    {
      name: "orders",
      id: "id1",
      address: "10.0.0.7:80",
      version: "1",
      zone: "a",
      weight: 5,
      metadata: { a: "b" },
    },
    () => "",
  );
  const value = jsonCodec.encode({ ...instance, status: "draining" }, "me");
  expect(decode(value)).toEqual([{ ...instance, status: "draining" }]);
  expect(jsonCodec.owner(Buffer.from(value))).toBe("me");
});

test("the keys of a service are no other's", () => {
  expect(jsonCodec.key("services", "orders", "id1")).toBe("services/orders/id1");
  expect(
    jsonCodec.key("services", "orders-eu", "id1").startsWith(jsonCodec.prefix("services", "orders")),
  ).toBe(false);
});

test("defaults stand in for what is missing, and unknown fields do no harm", () => {
  expect(decode('{"address":"10.0.0.7:80","later":{"x":1}}')).toEqual([
    { id: "id1", name: "orders", address: "10.0.0.7:80", weight: 100, metadata: {}, status: "up" },
  ]);
});

test("the key names the instance, whatever the value says", () => {
  expect(decode('{"address":"10.0.0.7:80","id":"other","name":"other"}')).toMatchObject([
    { id: "id1", name: "orders" },
  ]);
});

test.each([
  ["", /JSON/],
  ["not json", /JSON|token/],
  ["null", /JSON object/],
  ["[]", /JSON object/],
  ["{}", /address/],
  ['{"address":"0.0.0.0:80"}', /listen on/],
  ['{"address":"a:80","weight":"heavy"}', /weight/],
  ['{"address":"a:80","weight":null}', /weight/],
  ['{"address":"a:80","metadata":{"a":1}}', /metadata\.a/],
  ['{"address":"a:80","status":"warming"}', /status/],
])("refuses %j", (value, message) => {
  expect(() => decode(value)).toThrow(message);
});

test("no mark is no owner", () => {
  expect(jsonCodec.owner(Buffer.from("garbage"))).toBeUndefined();
  expect(jsonCodec.owner(Buffer.from('{"owner":7}'))).toBeUndefined();
});

test("a codec that does not exist is refused by name", () => {
  expect(codecNamed()).toBe(jsonCodec);
  expect(() => codecNamed("protobuf" as "json")).toThrow(
    new TypeError('codec must be one of json, received "protobuf"'),
  );
});
