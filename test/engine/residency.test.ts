// What stays in memory and what is let go, and what is read back.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { defineEntity, newId } from "../../src/index.ts";
import { EngineNode, failureOf, turns } from "../harness/engine-node.ts";
import { ledger } from "../harness/ledger.ts";

const add = (n: number) => ({ type: "add", n });

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Lets time pass, and the node look who was idle for long. */
function idle(node: EngineNode, ms: number): void {
  node.clock.pass(ms);
  vi.advanceTimersByTime(1_000);
}

test("an idle entity leaves memory after its time, and comes back as it was", async () => {
  const node = new EngineNode({ entities: [ledger], idleMs: 1_000 });
  const ref = ledger.ref(newId());
  await node.send(ref, add(1));
  idle(node, 999);
  expect(node.engine.residents).toBe(1);
  idle(node, 1);
  expect(node.engine.residents).toBe(0);
  expect(await node.send(ref, add(2))).toMatchObject({ version: 2, value: { ns: [1, 2] } });
  expect(node.store.loads).toBe(2);
});

test("an entity's own idleMs wins over the node's", async () => {
  const brief = defineEntity({
    type: "brief",
    init: () => 0,
    handle: (_message: { type: string }) => [{ type: "x" }],
    update: (_event: { type: string }, state) => state + 1,
    idleMs: 50,
  });
  const node = new EngineNode({ entities: [brief, ledger], idleMs: 1_000 });
  await Promise.all([node.send(brief.ref(newId()), { type: "go" }), node.send(ledger.ref(newId()), add(1))]);
  idle(node, 60);
  expect(node.engine.residents).toBe(1);
});

test("over the bound the least recently used one goes", async () => {
  const node = new EngineNode({ entities: [ledger], resident: 2 });
  const [a, b, c] = [ledger.ref(newId()), ledger.ref(newId()), ledger.ref(newId())];
  await node.send(a, add(1));
  await node.send(b, add(1));
  await node.send(a, add(2));
  await node.send(c, add(1));
  expect(node.engine.residents).toBe(2);
  const before = node.store.loads;
  await node.get(a);
  expect(node.store.loads).toBe(before);
  await node.get(b);
  expect(node.store.loads).toBe(before + 1);
});

test("who is loading, in flight, or waits for the next call, stays", async () => {
  const node = new EngineNode({ entities: [ledger], resident: 1, idleMs: 1_000 });
  const [a, b] = [ledger.ref(newId()), ledger.ref(newId())];
  await node.send(b, add(0));
  node.store.hold();
  const first = node.send(a, add(1)); // loads, then is in flight: b is let go of
  await node.store.untilHeld();
  const waiting = node.send(b, add(1)); // has its batch, and waits for the lane
  await turns(10);
  const before = node.store.loads;
  idle(node, 2_000);
  expect(node.engine.residents).toBe(2);
  const behind = node.send(b, add(2));
  node.store.release();
  const answers = await Promise.all([first, waiting, behind]);
  expect(answers.map(({ version }) => version)).toEqual([1, 2, 3]);
  expect(node.store.loads).toBe(before);
});

test("a conflict does not come of one node's own second worker", async () => {
  const node = new EngineNode({ entities: [ledger], resident: 1 });
  const [a, b, c] = [ledger.ref(newId()), ledger.ref(newId()), ledger.ref(newId())];
  const conflicts: unknown[] = [];
  node.signals.on("conflict", (payload) => conflicts.push(payload));
  node.store.hold();
  const sent = [node.send(a, add(1))];
  await node.store.untilHeld();
  sent.push(node.send(b, add(1)));
  await turns(10);
  sent.push(node.send(c, add(1))); // makes room: b has nothing in its mailbox, but in its next batch
  sent.push(node.send(b, add(2), { retry: false }));
  await turns(10);
  node.store.release();
  expect(await Promise.all(sent.map(failureOf))).toEqual([undefined, undefined, undefined, undefined]);
  expect(conflicts).toEqual([]);
});

interface CountedState {
  readonly n: number;
  readonly form: number;
}
interface CountedOptions {
  readonly every?: number | null;
  readonly version?: number;
  readonly type?: string;
  readonly upcast?: (state: unknown, version: number) => CountedState;
}

/** Counts its updates, so that a test sees what was folded. */
function counted(options: CountedOptions = {}) {
  const folded: number[] = [];
  const { every = 3, version = 1, type = "counted", upcast } = options;
  const entity = defineEntity({
    type,
    init: () => ({ n: 0, form: version }),
    handle: (message: { type: string }) => (message.type === "go" ? [{ type: "went" }] : []),
    update(_event: { type: string }, state) {
      folded.push(state.n + 1);
      return { ...state, n: state.n + 1 };
    },
    snapshot: every === null ? false : { every, version, ...(upcast === undefined ? {} : { upcast }) },
  });
  return { entity, folded };
}

const go = { type: "go" };

/** A second node on the same log, with a count of its own. */
function reader(node: EngineNode, options = {}) {
  const { entity, folded } = counted(options);
  return { folded, node: new EngineNode({ entities: [entity], log: node.log, clock: node.clock }) };
}

test("a snapshot goes with every third record, and a load folds only what came after", async () => {
  const { entity } = counted();
  const node = new EngineNode({ entities: [entity] });
  const ref = entity.ref(newId());
  for (let i = 0; i < 7; i++) await node.send(ref, go);
  expect(node.store.asked.map(({ commit }) => commit.snapshot?.version ?? 0)).toEqual([0, 0, 3, 0, 0, 6, 0]);
  const again = reader(node);
  expect(await again.node.get(ref)).toMatchObject({ version: 7, value: { n: 7 } });
  expect(again.folded).toEqual([7]);
});

test("a commit without records brings no snapshot", async () => {
  const { entity } = counted({ every: null });
  const node = new EngineNode({ entities: [entity] });
  const ref = entity.ref(newId());
  for (let i = 0; i < 5; i++) await node.send(ref, go);
  const again = reader(node);
  await again.node.get(ref);
  await again.node.send(ref, { type: "nothing" });
  expect(again.node.store.asked.map(({ commit }) => commit.snapshot)).toEqual([null, null]);
  await again.node.send(ref, go);
  expect(again.node.store.asked.at(-1)?.commit.snapshot).toMatchObject({ version: 6 });
});

test("a snapshot of another form goes unread", async () => {
  const { entity } = counted();
  const node = new EngineNode({ entities: [entity] });
  const ref = entity.ref(newId());
  for (let i = 0; i < 4; i++) await node.send(ref, go);
  const newer = reader(node, { version: 2 });
  expect(await newer.node.get(ref)).toMatchObject({ value: { n: 4, form: 2 } });
  expect(newer.folded).toEqual([1, 2, 3, 4]);
});

test("a snapshot of another form goes unread, also when a message of another type has the entity loaded", async () => {
  const { entity } = counted();
  const node = new EngineNode({ entities: [entity] });
  const ref = entity.ref(newId());
  for (let i = 0; i < 4; i++) await node.send(ref, go);
  const newer = counted({ version: 2 });
  const other = counted({ type: "other", version: 1 });
  const both = new EngineNode({ entities: [newer.entity, other.entity], log: node.log, clock: node.clock });
  expect(await failureOf(both.send(other.entity.ref(ref.id), go))).toMatchObject({ code: "WRONG_TYPE" });
  expect(await both.get(ref)).toMatchObject({ value: { n: 4, form: 2 } });
});

test("a snapshot of an older form is brought to today's, and the next one is written when it is due", async () => {
  const { entity } = counted();
  const node = new EngineNode({ entities: [entity] });
  const ref = entity.ref(newId());
  for (let i = 0; i < 4; i++) await node.send(ref, go);
  const upcast = (state: unknown, version: number): CountedState => {
    return { ...(state as CountedState), form: 10 * version + 3 };
  };
  const newer = reader(node, { version: 3, upcast });
  expect(await newer.node.get(ref)).toMatchObject({ value: { n: 4, form: 13 } });
  expect(newer.folded).toEqual([4]);
  for (let i = 0; i < 2; i++) await newer.node.send(ref, go);
  const written = newer.node.store.asked.flatMap(({ commit: { snapshot } }) => snapshot ?? []);
  expect(written).toEqual([{ version: 6, schema: 3, state: '{"n":6,"form":13}' }]);
  const older = reader(node, { version: 2, upcast });
  expect(await older.node.get(ref), "what comes from newer code goes unread").toMatchObject({
    value: { n: 6, form: 2 },
  });
  expect(older.folded).toEqual([1, 2, 3, 4, 5, 6]);
});

test.each([
  [
    "throws",
    () => {
      throw new Error("no such state");
    },
    "no such state",
  ],
  ["gives no JSON", () => ({ n: Number.NaN, form: 2 }), "NaN"],
])(
  "an upcast that %s: the entity is refused, nothing is committed, and a better one reads it",
  async (_, upcast, why) => {
    const { entity } = counted();
    const node = new EngineNode({ entities: [entity] });
    const ref = entity.ref(newId());
    for (let i = 0; i < 4; i++) await node.send(ref, go);
    const newer = reader(node, { version: 2, upcast });
    const failure = await failureOf(newer.node.send(ref, go));
    expect(failure).toMatchObject({ code: "UNREADABLE_EVENT", outcome: "not-committed" });
    expect(failure?.message).toContain("the snapshot of version 3 cannot be read: snapshot.upcast");
    expect(failure?.message).toContain(why);
    const better = reader(node, { version: 2, upcast: (state: unknown) => state });
    expect(await better.node.get(ref)).toMatchObject({ version: 4, value: { n: 4, form: 1 } });
  },
);

test("a snapshot that cannot be read is no loss", async () => {
  const { entity } = counted();
  const node = new EngineNode({ entities: [entity] });
  const ref = entity.ref(newId());
  node.store.always(({ snapshot }) => {
    if (snapshot !== null) Object.assign(snapshot, { state: '{"n":' });
    return undefined;
  });
  for (let i = 0; i < 4; i++) await node.send(ref, go);
  const again = reader(node);
  expect(await again.node.get(ref)).toMatchObject({ version: 4, value: { n: 4 } });
  expect(again.folded).toEqual([1, 2, 3, 4]);
});

test("a long log is read in pages, and folded in order", async () => {
  const plain = { ...ledger, snapshot: { every: 0, version: 1 } };
  const node = new EngineNode({ entities: [plain] });
  const ref = ledger.ref(newId());
  const ns = Array.from({ length: 5_000 }, (_, i) => i);
  await node.send(ref, { type: "add-many", ns });
  const cold = new EngineNode({ entities: [plain], log: node.log, clock: node.clock });
  expect(await cold.get(ref)).toMatchObject({ version: 5_000, value: { ns } });
  // 128 came with the load; 4,872 are five pages of 999, for each begins with a record that is known; one was read ahead.
  expect(cold.store.reads).toBe(6);
});

test("a store may bring fewer records than were asked for: the pages that were read ahead begin too far on then", async () => {
  const plain = { ...ledger, snapshot: { every: 0, version: 1 } };
  const node = new EngineNode({ entities: [plain] });
  const ref = ledger.ref(newId());
  const ns = Array.from({ length: 5_000 }, (_, i) => i);
  await node.send(ref, { type: "add-many", ns });
  const cold = new EngineNode({ entities: [plain], log: node.log, clock: node.clock });
  cold.store.mostRead = 700;
  expect(await cold.get(ref)).toMatchObject({ version: 5_000, value: { ns } });
});

test("old events are upcast, also those under a former type name, and new ones carry the new name", async () => {
  const old = defineEntity({
    type: "purse",
    init: () => ({ cents: 0 }),
    handle: (message: { type: "put"; euros: number }) => [{ type: "put", euros: message.euros }],
    update: (event: { type: string; euros: number }, { cents }) => ({ cents: cents + event.euros * 100 }),
  });
  const today = defineEntity({
    type: "wallet",
    formerly: ["purse"],
    init: () => ({ cents: 0 }),
    upcast: (event) =>
      event.type === "put"
        ? { type: "added", cents: Number((event as { euros?: number } & typeof event).euros) * 100 }
        : event,
    handle: (message: { type: "add"; cents: number }) => [{ type: "added", cents: message.cents }],
    update: (event: { type: string; cents: number }, { cents }) => ({ cents: cents + event.cents }),
  });
  const id = newId();
  const before = new EngineNode({ entities: [old] });
  await before.send(old.ref(id), { type: "put", euros: 2 });
  const after = new EngineNode({ entities: [today], log: before.log, clock: before.clock });
  expect(await after.send(old.ref(id), { type: "add", cents: 5 })).toMatchObject({ value: { cents: 205 } });
  expect((await after.records(today.ref(id))).map(({ type }) => type)).toEqual(["purse", "wallet"]);
});

test("an entity that exists is of its type: another one is WRONG_TYPE, warm or cold; an empty one is anybody's", async () => {
  const { entity: other } = counted();
  const node = new EngineNode({ entities: [ledger, other] });
  const id = newId();
  await node.get(other.ref(id));
  await node.send(ledger.ref(id), add(1));
  const cold = new EngineNode({ entities: [ledger, other], log: node.log, clock: node.clock });
  for (const one of [node, cold]) {
    expect(await failureOf(one.send(other.ref(id), go))).toMatchObject({
      code: "WRONG_TYPE",
      outcome: "not-committed",
      detail: { type: "ledger" },
    });
    expect(await failureOf(one.get(other.ref(id)))).toMatchObject({ code: "WRONG_TYPE" });
  }
  const without = new EngineNode({ entities: [other], log: node.log, clock: node.clock });
  expect(await failureOf(without.send(other.ref(id), go))).toMatchObject({ code: "WRONG_TYPE" });
});

test("two types at one empty id in one batch: the first that brings a record owns it", async () => {
  const { entity: other } = counted();
  const node = new EngineNode({ entities: [ledger, other] });
  const id = newId();
  const sent = [
    node.send(ledger.ref(id), { type: "nothing" }),
    node.send(other.ref(id), go),
    node.send(ledger.ref(id), add(1)),
  ];
  const failures = await Promise.all(sent.map(failureOf));
  expect(failures.map((failure) => failure?.code)).toEqual([undefined, undefined, "WRONG_TYPE"]);
  expect((await node.records(other.ref(id))).map(({ type }) => type)).toEqual(["counted"]);
});
