// Where messages go, by what a node knows: the holder, then down the rank, past those that cannot be asked.

import { beforeEach, expect, test } from "vitest";
import type { Member } from "../../src/core/member.ts";
import { rank } from "../../src/core/rank.ts";
import { Placement } from "../../src/engine/placement.ts";

const P = 32;
const ids = ["a", "b", "c"];
let down: Set<string>;

function member(id: string, parts: Partial<Member> = {}): Member {
  const whole = { id, address: `${id}:1`, http: null, since: 0, protocol: 1, code: "1", effects: [] };
  return { ...whole, types: ["counter"], partitions: [], leaving: false, ...parts };
}

function placementOf(self: string | null, hosts = true): Placement {
  return new Placement({
    partitions: P,
    self,
    hosts: (type) => hosts && type === "counter",
    isReachable: ({ id }) => !down.has(id),
  });
}

/** A partition whose rank is this. */
function ranked(...order: readonly string[]): number {
  for (let partition = 0; partition < P; partition++) {
    if (rank(partition, ids).join() === order.join()) return partition;
  }
  throw new Error(`no partition of ${P} is ranked ${order.join()}`);
}

const whereTo = (placement: Placement, partition: number, skip: readonly string[] = [], type = "counter") => {
  const route = placement.route(partition, type, new Set(skip));
  return route.kind === "there" ? route.member.id : route.kind;
};

beforeEach(() => {
  down = new Set();
});

test("before it knows anybody, a node handles everything itself, and a pure sender nothing", () => {
  expect(placementOf("a").isHere(3, "counter")).toBe(true);
  expect(placementOf(null).isHere(3, "counter")).toBe(false);
  expect(whereTo(placementOf(null), 3)).toBe("nowhere");
});

test("nobody holds it: the first in rank, then the next", () => {
  const placement = placementOf("a");
  placement.see(ids.map((id) => member(id)));
  const partition = ranked("b", "c", "a");
  expect(placement.isHere(partition, "counter")).toBe(false);
  expect(whereTo(placement, partition)).toBe("b");
  expect(whereTo(placement, partition, ["b"])).toBe("c");
  expect(whereTo(placement, partition, ["b", "c"])).toBe("here");
  expect(whereTo(placement, partition, ids)).toBe("nowhere");
  expect(placement.isHere(ranked("a", "b", "c"), "counter")).toBe(true);
});

test("the holder goes before the rank", () => {
  const placement = placementOf("a");
  const partition = ranked("a", "b", "c");
  placement.see([member("a"), member("b"), member("c", { partitions: [partition] })]);
  expect(placement.isHere(partition, "counter")).toBe(false);
  expect(whereTo(placement, partition)).toBe("c");
  expect(placement.holder(partition)).toBe("c");
  placement.hold(partition);
  expect(placement.isHere(partition, "counter"), "its own lease is better known than another's word").toBe(
    true,
  );
  expect(placement.holder(partition)).toBe("a");
  placement.letGo(partition);
  expect(placement.isHere(partition, "counter")).toBe(false);
});

test("one that cannot be reached is passed by, and asked again when it is back", () => {
  const placement = placementOf("a");
  const partition = ranked("b", "a", "c");
  placement.see([member("a"), member("b", { partitions: [partition] }), member("c")]);
  down.add("b");
  placement.reconsider();
  expect(placement.isHere(partition, "counter")).toBe(true);
  expect(placement.holder(partition), "the registry's word stands").toBe("b");
  down.delete("b");
  placement.reconsider();
  expect(placement.isHere(partition, "counter")).toBe(false);
  expect(whereTo(placement, partition)).toBe("b");
});

test("nodes that do not host the type, and those that leave, are passed by", () => {
  const placement = placementOf(null);
  const partition = ranked("a", "b", "c");
  placement.see([member("a", { types: ["other"] }), member("b", { leaving: true }), member("c")]);
  expect(whereTo(placement, partition)).toBe("c");
  expect(whereTo(placement, partition, [], "other")).toBe("a");
  expect(whereTo(placement, partition, [], "none")).toBe("nowhere");
});

test("a type that was ever seen may come back; one that never was is unknown", () => {
  const placement = placementOf("a", false);
  expect(placement.mayKnow("counter"), "nobody was seen yet").toBe(true);
  placement.see([member("b")]);
  placement.see([]);
  expect(placement.mayKnow("counter")).toBe(true);
  expect(placement.mayKnow("none")).toBe(false);
});

test("what is wanted is what it ranks first for, and nothing once it leaves", () => {
  const placement = placementOf("a");
  placement.see(ids.map((id) => member(id)));
  const mine = Array.from({ length: P }, (_, p) => p).filter((p) => rank(p, ids)[0] === "a");
  expect([...placement.wanted()]).toEqual(mine);
  placement.leave();
  expect(placement.wanted().size).toBe(0);
  expect(mine.some((partition) => placement.isHere(partition, "counter"))).toBe(false);
});

test("a node that hosts nothing wants nothing, and all others think so too", () => {
  const placement = placementOf("a", false);
  placement.see([member("a", { types: [] }), member("b"), member("c")]);
  expect(placement.wanted().size).toBe(0);
  const partition = ranked("a", "b", "c");
  expect(placement.isHere(partition, "counter")).toBe(false);
  expect(whereTo(placement, partition)).toBe("b");
});

test("a partition that is being handed over is not claimed, and goes to the next; it may stay after all", () => {
  const placement = placementOf("a");
  const partition = ranked("b", "a", "c");
  placement.see([member("a"), member("c")]);
  placement.hold(partition);
  placement.see(ids.map((id) => member(id)));
  expect(placement.isHere(partition, "counter"), "held, until it is moved").toBe(true);
  placement.move(partition);
  expect(placement.claims).toEqual([]);
  expect(placement.held).toEqual([partition]);
  expect(whereTo(placement, partition)).toBe("b");
  placement.stay(partition);
  expect(placement.isHere(partition, "counter")).toBe(true);
  expect(placement.claims).toEqual([partition]);
});

test("a node that was not heard of goes last, and is first again when the registry has seen it", () => {
  const placement = placementOf("a");
  const partition = ranked("a", "b", "c");
  const members = ids.map((id) => member(id));
  placement.see(members);
  placement.hold(partition);
  placement.detach();
  expect(placement.isHere(partition, "counter")).toBe(false);
  expect(whereTo(placement, partition)).toBe("b");
  expect(whereTo(placement, partition, ["b", "c"]), "better here than nowhere").toBe("here");
  placement.see(members);
  expect(placement.isHere(partition, "counter")).toBe(true);
});

test("two that claim one partition: all choose the same, and each of the two itself", () => {
  const partition = ranked("c", "a", "b");
  const claims = { partitions: [partition] };
  const members = [member("a", claims), member("b", claims), member("c")];
  const c = placementOf("c");
  c.see(members);
  expect(whereTo(c, partition)).toBe("a");
  const b = placementOf("b");
  b.see(members);
  b.hold(partition);
  expect(b.isHere(partition, "counter")).toBe(true);
});
