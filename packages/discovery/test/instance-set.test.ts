import { describe, expect, test } from "vitest";
import { jsonCodec } from "../src/codec/json-codec.ts";
import { InstanceSet, type InvalidInstance, type KeyChange } from "../src/resolver/instance-set.ts";

const put = (id: string, value: string): KeyChange => ({
  key: `s/orders/${id}`,
  entry: { service: "orders", name: id, value: Buffer.from(value) },
});
const gone = (id: string): KeyChange => ({ key: `s/orders/${id}`, entry: undefined });
const at = (port: number): string => JSON.stringify({ address: `10.0.0.7:${port}` });

function setup(): {
  set: InstanceSet;
  invalid: InvalidInstance[];
  apply: (...changes: KeyChange[]) => unknown;
} {
  const set = new InstanceSet((entry) => jsonCodec.decode(entry));
  const invalid: InvalidInstance[] = [];
  return { set, invalid, apply: (...changes) => set.apply(changes, (each) => invalid.push(each)) };
}

describe("the instances of a service", () => {
  test("tells what came, changed and went, in one", () => {
    const { set, apply } = setup();
    expect(apply(put("a", at(1)), put("b", at(2)))).toMatchObject({
      added: [{ id: "a" }, { id: "b" }],
      updated: [],
      removed: [],
    });
    expect(apply(put("a", at(9)), gone("b"), put("c", at(3)))).toMatchObject({
      added: [{ id: "c" }],
      updated: [{ id: "a", address: "10.0.0.7:9" }],
      removed: [{ id: "b", address: "10.0.0.7:2" }],
    });
    expect(set.instances.map(({ id }) => id)).toEqual(["a", "c"]);
  });

  test("what says the same is no change, and stays the same object", () => {
    const { set, apply } = setup();
    apply(put("a", at(1)));
    const before = set.instances;
    expect(apply(put("a", '{"later":true,"address":"10.0.0.7:1"}'))).toBeUndefined();
    expect(set.instances).toBe(before);
  });

  test("changes of one key within one batch count as a whole", () => {
    const { set, apply } = setup();
    apply(put("a", at(1)));
    const [a] = set.instances;
    // went and came back
    expect(apply(gone("a"), put("a", at(1)))).toBeUndefined();
    expect(set.instances[0]).toBe(a);
    // came and went
    expect(apply(put("b", at(2)), gone("b"))).toBeUndefined();
    // changed, and changed back
    expect(apply(put("a", at(9)), put("a", at(1)))).toBeUndefined();
    // said that it leaves, and left: shown as it was last seen
    expect(apply(put("a", '{"address":"10.0.0.7:1","status":"draining"}'), gone("a"))).toEqual({
      added: [],
      updated: [],
      removed: [{ ...a, status: "draining" }],
    });
    expect(set.instances).toEqual([]);
  });

  test("a key that was never seen can go", () => {
    expect(setup().apply(gone("a"))).toBeUndefined();
  });

  test("a value that cannot be read is reported and spoils nothing", () => {
    const { set, invalid, apply } = setup();
    expect(apply(put("a", "garbage"), put("b", at(2)))).toMatchObject({ added: [{ id: "b" }] });
    expect(invalid).toMatchObject([{ key: "s/orders/a", reason: { name: "SyntaxError" } }]);
    expect(set.instances.map(({ id }) => id)).toEqual(["b"]);
  });

  test("an instance whose value cannot be read any more stays until its key goes", () => {
    const { set, invalid, apply } = setup();
    apply(put("a", at(1)));
    expect(apply(put("a", "{}"))).toBeUndefined();
    expect(invalid).toHaveLength(1);
    expect(set.instances).toMatchObject([{ id: "a", address: "10.0.0.7:1" }]);
    expect(apply(gone("a"))).toMatchObject({ removed: [{ id: "a" }] });
  });

  test("the list is frozen and stays what it was", () => {
    const { set, apply } = setup();
    apply(put("a", at(1)));
    const before = set.instances;
    apply(put("b", at(2)));
    expect(before).toHaveLength(1);
    expect(Object.isFrozen(set.instances)).toBe(true);
  });
});
