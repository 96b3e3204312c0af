// Every promise settles, and says truly what became of the message.

import { beforeEach, expect, test, vi } from "vitest";
import { Deadlines, type Expiring } from "../../src/engine/deadlines.ts";
import { newId, type Reference } from "../../src/index.ts";
import { EngineNode, failureOf, turns } from "../harness/engine-node.ts";
import { handled, ledger } from "../harness/ledger.ts";
import { VirtualClock } from "../harness/virtual-clock.ts";

let node: EngineNode;
let ref: Reference;
const add = (n: number) => ({ type: "add", n });

beforeEach(async () => {
  node = new EngineNode({ entities: [ledger] });
  ref = ledger.ref(newId());
  await node.send(ref, add(0));
  node.store.asked.length = 0;
  handled.length = 0;
});

test("a deadline that passes while the commit is in flight is unknown", async () => {
  node.store.hold();
  const sent = node.send(ref, add(1), { timeoutMs: 100 });
  await node.store.untilHeld();
  node.clock.pass(150);
  expect(await failureOf(sent)).toMatchObject({
    code: "DEADLINE_EXCEEDED",
    outcome: "unknown",
    retryable: true,
  });
});

test("a get whose deadline passes in flight has committed nothing", async () => {
  node.store.hold();
  const get = node.get(ref, { timeoutMs: 100 });
  await node.store.untilHeld();
  node.clock.pass(150);
  expect(await failureOf(get)).toMatchObject({ code: "DEADLINE_EXCEEDED", outcome: "not-committed" });
});

test("a deadline that passes behind a commit in flight is not-committed, and it never is", async () => {
  node.store.hold();
  const first = node.send(ref, add(1));
  await node.store.untilHeld();
  const second = node.send(ref, add(2), { timeoutMs: 100 });
  await turns();
  expect(handled).toContain(2); // its speculative turn is in the next batch already
  node.clock.pass(150);
  expect(await failureOf(second)).toMatchObject({ code: "DEADLINE_EXCEEDED", outcome: "not-committed" });
  const third = node.send(ref, add(3));
  node.store.release();
  await first;
  expect(await third).toMatchObject({ version: 3, value: { ns: [0, 1, 3] } });
});

test("a deadline that passes in next, while the commit in flight is lost, is not-committed, and never is", async () => {
  node.store.hold();
  const first = node.send(ref, add(1));
  await node.store.untilHeld();
  const second = node.send(ref, add(2), { timeoutMs: 100 });
  await turns();
  node.clock.pass(150);
  expect(await failureOf(second)).toMatchObject({ outcome: "not-committed" });
  await new EngineNode({ entities: [ledger], log: node.log, clock: node.clock }).send(ref, add(9));
  node.store.release();
  await first;
  expect(await node.get(ref)).toMatchObject({ value: { ns: [0, 9, 1] } });
});

test("a deadline that passes in flight, while that commit is lost, is unknown, and it is not handled again", async () => {
  node.store.hold();
  const sent = node.send(ref, add(1), { timeoutMs: 100 });
  await node.store.untilHeld();
  node.clock.pass(150);
  expect(await failureOf(sent)).toMatchObject({ outcome: "unknown" });
  await new EngineNode({ entities: [ledger], log: node.log, clock: node.clock }).send(ref, add(9));
  node.store.release();
  expect(await node.get(ref)).toMatchObject({ value: { ns: [0, 9] } });
});

test("a deadline that passes while the entity is loaded is not-committed, and it never is", async () => {
  const cold = new EngineNode({ entities: [ledger], log: node.log, clock: node.clock });
  cold.store.holdLoads();
  const sent = cold.send(ref, add(1), { timeoutMs: 100 });
  await cold.store.untilLoadHeld();
  cold.clock.pass(150);
  expect(await failureOf(sent)).toMatchObject({ code: "DEADLINE_EXCEEDED", outcome: "not-committed" });
  cold.store.releaseLoads();
  expect(await cold.send(ref, add(2))).toMatchObject({ value: { ns: [0, 2] } });
});

test("a message that was lost once, and waits to be handled again, is not-committed at its deadline", async () => {
  node.store.always(({ records }) =>
    records.length > 0 ? { kind: "answer", result: { kind: "reload" } } : undefined,
  );
  node.store.holdLoads();
  const sent = node.send(ref, add(1), { timeoutMs: 100 });
  await node.store.untilLoadHeld();
  node.clock.pass(150);
  expect(await failureOf(sent)).toMatchObject({ code: "DEADLINE_EXCEEDED", outcome: "not-committed" });
  node.store.heal();
  expect(await node.get(ref)).toMatchObject({ value: { ns: [0] } });
});

class Item implements Expiring<Item> {
  previous: Item | null = null;
  next: Item | null = null;
  expired = 0;
  readonly deadline: number;
  constructor(deadline: number) {
    this.deadline = deadline;
  }
  expire(): void {
    this.expired += 1;
  }
}

test("nothing expires early, everything expires within two ticks, what was removed never does", () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  try {
    const clock = new VirtualClock();
    const deadlines = new Deadlines<Item>(clock);
    const start = clock.monotonicMs();
    const items = Array.from({ length: 100 }, (_, i) => new Item(start + i * 7.3));
    const removed = items.filter((_, i) => i % 3 === 0);
    for (const item of items) deadlines.add(item);
    for (const item of removed) deadlines.remove(item);
    for (let passed = 0; passed < 800; passed += 5) {
      clock.pass(5);
      vi.advanceTimersByTime(5);
      const now = clock.monotonicMs();
      for (const item of items) {
        if (item.expired > 0) expect(item.deadline).toBeLessThanOrEqual(now);
        else if (!removed.includes(item)) expect(item.deadline).toBeGreaterThan(now - 20);
      }
    }
    expect(items.map(({ expired }) => expired)).toEqual(
      items.map((item) => (removed.includes(item) ? 0 : 1)),
    );
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});

test("what comes with a deadline that has passed expires too, right after others of the same one", () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  try {
    const clock = new VirtualClock();
    const deadlines = new Deadlines<Item>(clock);
    const deadline = clock.monotonicMs() + 15;
    for (let round = 0; round < 3; round++) {
      const items = [new Item(deadline), new Item(deadline)];
      for (const item of items) deadlines.add(item);
      clock.pass(30);
      vi.advanceTimersByTime(30);
      expect(items.map(({ expired }) => expired)).toEqual([1, 1]);
      expect(deadlines.all()).toEqual([]);
    }
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});
