import { expect, test } from "vitest";
import { instanceOf, type ServiceInstance } from "../src/instance.ts";
import { balancerNamed } from "../src/resolver/balancers.ts";
import { RoundRobin } from "../src/resolver/round-robin.ts";

const instance = (id: string, weight = 100): ServiceInstance =>
  instanceOf({ name: "orders", id, address: `${id}:80`, weight }, () => "");

function balancerOf(ids: string, random = 0): RoundRobin {
  const balancer = new RoundRobin(() => random);
  for (const id of ids) balancer.add(instance(id));
  return balancer;
}

const take = (balancer: RoundRobin, count: number): string =>
  Array.from({ length: count }, () => balancer.pick()?.id ?? "-").join("");

test("takes one after the other", () => {
  expect(take(balancerOf("abc"), 7)).toBe("abcabca");
});

test("begins anywhere", () => {
  expect(take(balancerOf("abc", 0.99), 4)).toBe("cabc");
});

test("has nothing to give when nothing is there", () => {
  const balancer = balancerOf("");
  expect(balancer.pick()).toBeUndefined();
  balancer.add(instance("a"));
  expect(take(balancer, 2)).toBe("aa");
  balancer.remove("a");
  expect(balancer.pick()).toBeUndefined();
});

test("keeps the turn when one that had its turn goes", () => {
  const balancer = balancerOf("abcd");
  expect(take(balancer, 2)).toBe("ab");
  balancer.remove("a");
  expect(take(balancer, 4)).toBe("cdbc");
});

test("keeps the turn when the next one goes", () => {
  const balancer = balancerOf("abcd");
  expect(take(balancer, 1)).toBe("a");
  balancer.remove("b");
  expect(take(balancer, 4)).toBe("cdac");
});

test("keeps the turn when the last one goes at the end of a round", () => {
  const balancer = balancerOf("abc");
  expect(take(balancer, 3)).toBe("abc");
  balancer.remove("c");
  expect(take(balancer, 3)).toBe("aba");
});

test("takes a new one within the round", () => {
  const balancer = balancerOf("ab");
  expect(take(balancer, 1)).toBe("a");
  balancer.add(instance("c"));
  expect(take(balancer, 4)).toBe("bcab");
});

test("a changed instance keeps its place", () => {
  const balancer = balancerOf("abc");
  expect(take(balancer, 1)).toBe("a");
  const changed = instance("b", 7);
  balancer.replace(changed);
  expect(balancer.pick()).toBe(changed);
  expect(take(balancer, 1)).toBe("c");
});

test("does not care about ids it does not have", () => {
  const balancer = balancerOf("ab");
  balancer.remove("z");
  balancer.replace(instance("z"));
  expect(take(balancer, 3)).toBe("aba");
});

test("a balancer that does not exist is refused by name", () => {
  expect(balancerNamed()).toBeInstanceOf(RoundRobin);
  expect(() => balancerNamed("p2c" as "roundRobin")).toThrow(
    new TypeError('balancer must be one of roundRobin, received "p2c"'),
  );
});
