// The cart of cluster/entities: its decisions one by one, and its expiry by a real timer.

import { newId, Pachyderm, schedule } from "pachyderm";
import { given } from "pachyderm/testing";
import { expect, test } from "vitest";
import { cart, makeCart } from "../../cluster/entities/cart.ts";
import { until } from "../harness/until.ts";

const expiry = schedule({ name: "expiry", after: "30m", message: { type: "expire" } });
const added = (product: string, quantity = 1) => ({ type: "added", product, quantity }) as const;
const timer = { name: "expiry", dueAt: 1_000, lateMs: 5, missed: 0 };

test("each change sets the expiry anew; checking out takes it away", () => {
  given(cart)
    .when({ type: "add", product: "tea", quantity: 2 })
    .then({ events: [added("tea", 2)], effects: [expiry] })
    .when({ type: "add", product: "tea", quantity: 1 })
    .then({ state: { status: "open", items: { tea: 3 } }, effects: [expiry] })
    .when({ type: "remove", product: "tea" })
    .then({ state: { status: "open", items: {} }, effects: [expiry] })
    .when({ type: "check-out" })
    .then({ rejected: "empty" });
  given(cart, [added("tea")])
    .when({ type: "check-out" })
    .then({ effects: [{ effect: "$cancel", payload: { name: "expiry" } }] })
    .when({ type: "add", product: "tea", quantity: 1 })
    .then({ rejected: { code: "closed", detail: { status: "checked-out" } } });
});

test("only its timer may let it expire", () => {
  given(cart, [added("tea")])
    .when({ type: "expire" })
    .then({ rejected: "only-its-timer-may-say-so" })
    .when({ type: "expire" }, { timer })
    .then({ events: [{ type: "expired", lateMs: 5 }], state: { status: "expired", items: {} }, effects: [] })
    .when({ type: "add", product: "tea", quantity: 1 })
    .then({ rejected: "closed" });
});

test("a cart that is left alone expires; one that is touched, or checked out, does not", async () => {
  const quick = makeCart("150ms");
  await using pachyderm = await Pachyderm.start({ entities: [quick] });
  const [left, touched, bought] = [quick.ref(newId()), quick.ref(newId()), quick.ref(newId())];
  const add = { type: "add", product: "tea", quantity: 1 } as const;
  await Promise.all([pachyderm.send(bought, add), pachyderm.send(bought, { type: "check-out" })]);
  for (const ref of [left, touched]) await pachyderm.send(ref, add);
  const isExpired = async (ref: typeof left) => (await pachyderm.get(ref)).state.status === "expired";
  await until("the one that was left expires, while the other is touched", async () => {
    await pachyderm.send(touched, add).catch(() => {}); // closed, where this process was held up for too long
    return await isExpired(left);
  });
  await until("that expires too, once it is left", () => isExpired(touched));
  const { events } = await pachyderm.events(touched);
  const [last, expired] = events.slice(-2);
  expect([last?.event.type, expired?.event.type]).toEqual(["added", "expired"]);
  expect((expired?.at ?? 0) - (last?.at ?? 0), "by its last touch").toBeGreaterThanOrEqual(150);
  expect((await pachyderm.get(bought)).state.status).toBe("checked-out");
});
