// A node that was stopped refuses everything in the same way, whatever part of it is asked.

import { expect, test } from "vitest";
import { defineEntity, newId, Pachyderm, PachydermError } from "../../src/index.ts";

const counter = defineEntity({
  type: "counter",
  init: () => ({ count: 0 }),
  handle: ({ amount }: { type: "add"; amount: number }) => [{ type: "added" as const, amount }],
  update: ({ amount }: { type: "added"; amount: number }, { count }) => ({ count: count + amount }),
  views: { all: { row: ({ count }) => ({ count }), index: ["count"] } },
});

test("what is asked of a stopped node is NODE_STOPPING, and certainly not committed", async () => {
  const node = await Pachyderm.start({ entities: [counter] });
  const one = counter.ref(newId());
  const { cursor } = await node.send(one, { type: "add", amount: 1 });
  const view = node.view(counter, "all");
  const audit = await node.subscribe({ name: "audit", handle: () => {} });
  await node.stop();
  const asked: Readonly<Record<string, () => unknown>> = {
    send: () => node.send(one, { type: "add", amount: 1 }),
    get: () => node.get(one),
    events: () => node.events(one),
    timers: () => node.timers(one),
    entities: () => node.entities(),
    history: () => node.history(one),
    preview: () => node.preview(one, { type: "add", amount: 1 }),
    destroy: () => node.destroy(one),
    subscribe: () => node.subscribe({ name: "other", handle: () => {} }),
    subscriptions: () => node.subscriptions(),
    follow: () => node.follow(one),
    "view.get": () => view.get(one.id),
    "view.find": () => view.find({ by: "count" }),
    "view.count": () => view.count(),
    "subscription.lag": () => audit.lag(),
    "subscription.waitFor": () => audit.waitFor(cursor),
    "effects.failed": () => node.effects.failed(),
    "effects.retry": () => node.effects.retry("all"),
    "effects.drop": () => node.effects.drop("x"),
    "effects.counts": () => node.effects.counts(),
  };
  const told = await Promise.all(
    Object.entries(asked).map(async ([name, ask]) => [name, await refusalOf(ask)] as const),
  );
  expect(Object.fromEntries(told)).toEqual(
    Object.fromEntries(Object.keys(asked).map((name) => [name, "NODE_STOPPING not-committed"])),
  );
});

async function refusalOf(ask: () => unknown): Promise<string> {
  try {
    await ask();
    return "answered";
  } catch (thrown) {
    return thrown instanceof PachydermError ? `${thrown.code} ${thrown.outcome}` : String(thrown);
  }
}
