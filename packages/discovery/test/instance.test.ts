import { describe, expect, test } from "vitest";
import {
  instanceOf,
  isPickable,
  sameInstance,
  type ServiceDescription,
  withUpdate,
} from "../src/instance.ts";

const make = (fields: Partial<ServiceDescription> = {}): ReturnType<typeof instanceOf> =>
  instanceOf({ name: "orders", address: "10.0.0.7:8080", ...fields }, () => "id1");

describe("what an instance is made of", () => {
  test("fills in what is not given, and freezes all of it", () => {
    const instance = make({ version: "1.4.2" });
    expect(instance).toEqual({
      id: "id1",
      name: "orders",
      address: "10.0.0.7:8080",
      version: "1.4.2",
      weight: 100,
      metadata: {},
      status: "up",
    });
    expect(Object.isFrozen(instance) && Object.isFrozen(instance.metadata)).toBe(true);
  });

  test("does not share metadata with the caller", () => {
    const metadata = { team: "a" };
    const instance = make({ metadata });
    metadata.team = "b";
    expect(instance.metadata).toEqual({ team: "a" });
  });

  test.each([
    ["10.0.0.7:8080"],
    ["orders-1.internal:80"],
    ["[2001:db8::7]:8080"],
    ["http://10.0.0.7:8080/base"],
    ["grpc://orders-1"],
    ["https://[2001:db8::7]"],
  ])("takes the address %s", (address) => {
    expect(make({ address }).address).toBe(address);
  });

  test.each([
    ["", /address must be/],
    ["10.0.0.7", /address must be "host:port"/],
    [":8080", /address must be "host:port"/],
    ["10.0.0.7:0", /between 1 and 65535/],
    ["10.0.0.7:65536", /between 1 and 65535/],
    ["10.0.0.7:8080/path", /address must be "host:port"/],
    ["2001:db8::7:8080", /address must be "host:port"/],
    ["0.0.0.0:8080", /0\.0\.0\.0 is only one to listen on/],
    ["0:8080", /0\.0\.0\.0 is only one to listen on/],
    ["[::]:8080", /\[::\] is only one to listen on/],
    ["[0:0::0]:8080", /\[::\] is only one to listen on/],
    ["*:8080", /\* is only one to listen on/],
    ["http://0.0.0.0:8080", /0\.0\.0\.0 is only one to listen on/],
    ["grpc://[::]:8080", /\[::\] is only one to listen on/],
    ["http://10.0.0.7:0", /port 0/],
    ["http://", /URL with a host/],
  ])("refuses the address %j", (address, message) => {
    expect(() => make({ address })).toThrow(message);
    expect(() => make({ address })).toThrow(TypeError);
  });

  test.each<[object, RegExp]>([
    [{ name: "" }, /name must be a string of 1 to 255/],
    [{ name: "a/b" }, /name must not contain "\/"/],
    [{ name: "a b" }, /name must not contain/],
    [{ name: "x".repeat(256) }, /name must be a string of 1 to 255.*256 characters/],
    [{ id: "a/b" }, /id must not contain/],
    [{ id: 7 }, /id must be a string.*received 7/],
    [{ id: "" }, /id must be/],
    [{ version: "" }, /version must be/],
    [{ zone: 3 }, /zone must be/],
    [{ weight: -1 }, /weight must be a whole number between 0 and 1000000, received -1/],
    [{ weight: 1.5 }, /weight must be a whole number/],
    [{ weight: "100" }, /weight must be/],
    [{ metadata: { a: 1 } }, /metadata\.a must be a string, received 1/],
    [{ metadata: [] }, /metadata must be an object of strings/],
    [{ port: 80 }, /unknown option "port"/],
    [{ status: "draining" }, /unknown option "status"/],
  ])("refuses %j", (fields, message) => {
    expect(() => make(fields as Partial<ServiceDescription>)).toThrow(message);
    expect(() => make(fields as Partial<ServiceDescription>)).toThrow(TypeError);
  });

  test("a change makes a new instance and keeps the rest", () => {
    const instance = make({ zone: "a", metadata: { team: "a" } });
    const changed = withUpdate(instance, { weight: 50, metadata: { owner: "b" } });
    expect(changed).toMatchObject({ id: "id1", zone: "a", weight: 50, metadata: { owner: "b" } });
    expect(changed.metadata).not.toHaveProperty("team");
    expect(instance.weight).toBe(100);
  });

  test("a change cannot rename it", () => {
    expect(() => withUpdate(make(), { name: "other" } as object)).toThrow(/unknown option "name"/);
    expect(() => withUpdate(make(), { id: "other" } as object)).toThrow(/unknown option "id"/);
    expect(() => withUpdate(make(), { address: "0.0.0.0:1" })).toThrow(TypeError);
  });

  test("is equal to another when everything is", () => {
    expect(sameInstance(make({ metadata: { a: "1", b: "2" } }), make({ metadata: { b: "2", a: "1" } }))).toBe(
      true,
    );
    expect(sameInstance(make({ metadata: { a: "1" } }), make({ metadata: { b: "1" } }))).toBe(false);
    expect(sameInstance(make({ zone: "a" }), make())).toBe(false);
  });

  test("is picked while it is up and has a weight", () => {
    expect(isPickable(make())).toBe(true);
    expect(isPickable(make({ weight: 0 }))).toBe(false);
    expect(isPickable({ ...make(), status: "draining" })).toBe(false);
  });
});
