// Timers in a commit: a firing is handled by one commit, and only while its timer stands as it was read.

import assert from "node:assert/strict";
import type {
  Commit,
  CommitResult,
  EntityKey,
  FiringStep,
  NewTimer,
  TimerStep,
} from "../../ports/event-store.ts";
import { type Client, commitOf, headAfter, look, newKey, receipt, start } from "./client.ts";
import { law } from "./law.ts";

const DUE = 1_700_000_000_000;
let generations = 0;

function timer(name = "t", parts: Partial<NewTimer> = {}): TimerStep & { readonly set: NewTimer } {
  generations += 1;
  const set = { generation: `g-${generations}`, dueAt: DUE, everyMs: null, message: '{"type":"due"}' };
  return { name, set: { ...set, ...parts } };
}

function firingOf({ name, set }: TimerStep & { readonly set: NewTimer }, missed = 0): FiringStep {
  return { name, generation: set.generation, dueAt: set.dueAt, missed };
}

const nothing: Partial<Commit> = { records: [] };

/** Handles firings, and writes nothing else. */
function handle(
  client: Client,
  key: EntityKey,
  head: Commit["expected"],
  ...firings: readonly FiringStep[]
): Promise<CommitResult> {
  return client.commit(commitOf(key, head, { ...nothing, firings }));
}

const gone = (...firings: readonly number[]): CommitResult => ({ kind: "gone", firings });

export const timerLaws = [
  law("a firing is handled once: after that it is gone", async (client) => {
    const key = newKey();
    const set = timer();
    const head = await client.write(commitOf(key, start, { timers: [set] }));
    const after = await client.write(commitOf(key, head, { firings: [firingOf(set)] }));
    assert.deepEqual(await handle(client, key, after, firingOf(set)), gone(0));
  }),

  law("a commit that has nothing to write but the firing's end handles it too, once", async (client) => {
    const key = newKey();
    const set = timer();
    const head = await client.write(commitOf(key, start, { timers: [set] }));
    await client.write(commitOf(key, head, { ...nothing, firings: [firingOf(set)] }));
    assert.deepEqual(await handle(client, key, head, firingOf(set)), gone(0));
  }),

  law(
    "another name, generation, due time or entity is gone; the places of all of them are told",
    async (client) => {
      const key = newKey();
      const [one, other] = [timer("one"), timer("two words")];
      const head = await client.write(commitOf(key, start, { timers: [one, other] }));
      const right = firingOf(one);
      const wrong = [
        { ...right, name: "three" },
        { ...firingOf(other), generation: right.generation },
        { ...right, generation: right.generation.slice(0, -1) },
        { ...right, dueAt: DUE + 1 },
        { ...right, dueAt: DUE / 10 },
      ];
      for (const step of wrong) assert.deepEqual(await handle(client, key, head, step), gone(0));
      const firings = [firingOf(other), ...wrong.slice(0, 1), { ...right, dueAt: 1 }];
      assert.deepEqual(await handle(client, key, head, ...firings), gone(1, 2));
      assert.deepEqual(await handle(client, newKey(), start, right), gone(0));
      await client.write(commitOf(key, head, { ...nothing, firings: [right, firingOf(other)] }));
    },
  ),

  law("what is set anew replaces the timer of that name, and no other", async (client) => {
    const key = newKey();
    const [first, other, second] = [timer("x"), timer("y"), timer("x")];
    let head = await client.write(commitOf(key, start, { timers: [first, other] }));
    head = await client.write(commitOf(key, head, { timers: [second] }));
    assert.deepEqual(await handle(client, key, head, firingOf(first)), gone(0));
    await client.write(commitOf(key, head, { ...nothing, firings: [firingOf(second), firingOf(other)] }));
  }),

  law("what is cancelled is gone; cancelling what is not there does nothing", async (client) => {
    const key = newKey();
    const set = timer();
    let head = await client.write(commitOf(key, start, { timers: [{ name: "t", set: null }] }));
    head = await client.write(commitOf(key, head, { timers: [set] }));
    head = await client.write(commitOf(key, head, { timers: [{ name: "t", set: null }] }));
    assert.deepEqual(await handle(client, key, head, firingOf(set)), gone(0));
  }),

  law("its own firing may set it anew, at the same due time: then that stands", async (client) => {
    const key = newKey();
    const [first, second] = [timer(), timer()];
    let head = await client.write(commitOf(key, start, { timers: [first] }));
    head = await client.write(commitOf(key, head, { firings: [firingOf(first)], timers: [second] }));
    assert.deepEqual(await handle(client, key, head, firingOf(first)), gone(0));
    await client.write(commitOf(key, head, { ...nothing, firings: [firingOf(second)] }));
  }),

  law("its own firing may cancel it, an `every` too", async (client) => {
    const key = newKey();
    const set = timer("t", { everyMs: 100 });
    let head = await client.write(commitOf(key, start, { timers: [set] }));
    const timers = [{ name: "t", set: null }];
    head = await client.write(commitOf(key, head, { firings: [firingOf(set)], timers }));
    assert.deepEqual(await handle(client, key, head, { ...firingOf(set), dueAt: DUE + 100 }), gone(0));
  }),

  law(
    "an `every` is due again at the tick after those that were missed, in the same commit",
    async (client) => {
      const key = newKey();
      const set = timer("t", { everyMs: 100 });
      const head = await client.write(commitOf(key, start, { timers: [set] }));
      await client.write(commitOf(key, head, { ...nothing, firings: [firingOf(set, 7)] }));
      assert.deepEqual(await handle(client, key, head, firingOf(set)), gone(0));
      assert.deepEqual(await handle(client, key, head, { ...firingOf(set), dueAt: DUE + 100 }), gone(0));
      const next = { ...firingOf(set), dueAt: DUE + 800 };
      await client.write(commitOf(key, head, { ...nothing, firings: [next] }));
      const last = { ...next, dueAt: DUE + 900 };
      await client.write(commitOf(key, head, { ...nothing, firings: [last] }));
    },
  ),

  law("gone writes nothing: no record, no receipt, no timer, no end of another firing", async (client) => {
    const key = newKey();
    const [stands, never, set] = [timer("stands"), timer("never"), timer("set")];
    const head = await client.write(commitOf(key, start, { timers: [stands] }));
    const parts = {
      receipts: [receipt("r")],
      firings: [firingOf(stands), firingOf(never)],
      timers: [set, { name: "stands", set: null }],
    };
    assert.deepEqual(await client.commit(commitOf(key, head, parts)), gone(1));
    assert.equal((await client.history(key)).length, 1);
    await client.write(commitOf(key, head, { ...nothing, receipts: [look("r")] }));
    assert.deepEqual(await handle(client, key, head, firingOf(set)), gone(0));
    await client.write(commitOf(key, head, { ...nothing, firings: [firingOf(stands)] }));
  }),

  law("a commit that is not written leaves timers as they were", async (client) => {
    const key = newKey();
    const [set, other] = [timer(), timer("other")];
    const head = await client.write(commitOf(key, start, { timers: [set] }));
    const timers = [other, { name: "t", set: null }];
    const late = await client.commit(commitOf(key, start, { firings: [firingOf(set)], timers }));
    assert.equal(late.kind, "conflict");
    assert.deepEqual(await handle(client, key, head, firingOf(other)), gone(0));
    await client.write(commitOf(key, head, { ...nothing, firings: [firingOf(set)] }));
  }),

  law("gone goes after duplicate and late, and before compare", async (client) => {
    const key = newKey();
    const never = firingOf(timer());
    const head = await client.write(commitOf(key, start, { receipts: [receipt("handled")] }));
    const at = (parts: Partial<Commit>, expected = head) =>
      client.commit(commitOf(key, expected, { firings: [never], ...parts }));
    assert.equal((await at({ receipts: [look("handled")] })).kind, "duplicate");
    assert.equal((await at({ receipts: [look("x", "m", 1)] })).kind, "late");
    assert.deepEqual(await at({}, start), gone(0));
    assert.deepEqual(await at({}, { version: 7, commitId: "ahead" }), gone(0));
  }),

  law(
    "a commit with records that is tried again is recognised, though its firing is gone",
    async (client) => {
      const key = newKey();
      const [set, again] = [timer(), timer()];
      const head = await client.write(commitOf(key, start, { timers: [set] }));
      const commit = commitOf(key, head, { firings: [firingOf(set)], timers: [again] });
      const after = await client.write(commit);
      for (let i = 0; i < 2; i++) {
        const result = await client.commit(commit);
        assert.ok(result.kind === "committed" && result.already);
      }
      const later = await client.append(key, 3, after);
      const result = await client.commit(commit);
      assert.ok(result.kind === "committed" && result.already);
      await client.write(commitOf(key, later, { ...nothing, firings: [firingOf(again)] }));
    },
  ),

  law("a commit without records but with a receipt of its own is recognised likewise", async (client) => {
    const key = newKey();
    const set = timer();
    const head = await client.write(commitOf(key, start, { timers: [set] }));
    const parts = { ...nothing, firings: [firingOf(set)], receipts: [receipt("k")] };
    const commit = commitOf(key, head, parts);
    await client.write(commit);
    const result = await client.commit(commit);
    assert.ok(result.kind === "committed" && result.already);
  }),

  law("of many commits that handle one firing at the same time, one is written", async (client, stage) => {
    const others = await Promise.all(Array.from({ length: 4 }, () => stage.open()));
    for (const records of [commitOf(newKey(), start).records, []]) {
      const key = newKey();
      const set = timer();
      const head = await client.write(commitOf(key, start, { timers: [set] }));
      const results = await Promise.all(
        [client, ...others].flatMap((one) =>
          [1, 2].map(() => one.commit(commitOf(key, head, { records, firings: [firingOf(set)] }))),
        ),
      );
      const kinds = results.map(({ kind }) => kind).toSorted();
      assert.deepEqual(kinds, ["committed", ...new Array<string>(9).fill("gone")]);
    }
  }),

  law("of a firing and a cancel at the same time, one wins", async (client, stage) => {
    const other = await stage.open();
    for (let i = 0; i < 20; i++) {
      const key = newKey();
      const set = timer();
      const head = await client.write(commitOf(key, start, { timers: [set] }));
      const cancel = commitOf(key, head, { timers: [{ name: "t", set: null }] });
      const fire = commitOf(key, head, { firings: [firingOf(set)] });
      const results = await Promise.all([client.commit(fire), other.commit(cancel)]);
      const [fired, cancelled] = results.map(({ kind }) => kind);
      if (fired === "committed") assert.equal(cancelled, "conflict");
      else assert.deepEqual([fired, cancelled], ["gone", "committed"]);
    }
  }),

  law("a commit that destroys takes all timers of its entity away, and no other's", async (client) => {
    const [key, other] = [newKey(), newKey()];
    const [x, y, set] = [timer("x"), timer("y", { everyMs: 50 }), timer("z")];
    const head = await client.write(commitOf(key, start, { timers: [x, y] }));
    const otherHead = await client.write(commitOf(other, start, { timers: [x] }));
    const after = await client.write(commitOf(key, head, { timers: [set], destroy: true }));
    for (const one of [x, y, set]) assert.deepEqual(await handle(client, key, after, firingOf(one)), gone(0));
    await client.write(commitOf(other, otherHead, { ...nothing, firings: [firingOf(x)] }));
  }),

  law("timers of many entities, in one call", async (client) => {
    const commits = Array.from({ length: 20 }, (_, i) => {
      const timers = [timer("a", { everyMs: i % 2 === 0 ? 1_000 : null }), timer("b")];
      return { timers, commit: commitOf(newKey(), start, { timers }) };
    });
    const results = await client.call(commits.map(({ commit }) => commit));
    assert.ok(results.every(({ kind }) => kind === "committed"));
    const handling = commits.map(({ timers, commit }) =>
      commitOf(commit.key, headAfter(commit), { ...nothing, firings: timers.map((set) => firingOf(set)) }),
    );
    assert.ok((await client.call(handling)).every(({ kind }) => kind === "committed"));
    const again = await client.call(handling);
    assert.deepEqual(
      again,
      handling.map(() => gone(0, 1)),
    );
  }),

  law("a timer's name may hold any text, and its message any JSON text", async (client) => {
    const key = newKey();
    const names = [" ", "a b", "{brace}", "päckchen 🐘", "1 x 2 ", "line\nbreak", "\u0000"];
    const message = JSON.stringify({ type: "x", text: 'line\nbreak " 🐘', list: [], n: 2 ** 60 });
    const timers = names.map((name) => timer(name, { message, everyMs: 50 }));
    const head = await client.write(commitOf(key, start, { timers }));
    const firings = timers.map((set) => firingOf(set));
    await client.write(commitOf(key, head, { ...nothing, firings }));
    const next = firings.map((firing) => ({ ...firing, dueAt: DUE + 50 }));
    await client.write(commitOf(key, head, { ...nothing, firings: next }));
  }),

  law(
    "foreign data in place of the timers refuses a commit that has to do with them, whole",
    async (client, { backend }) => {
      assert.ok(backend.spoil, "the backend can spoil data, or says why it cannot");
      const key = newKey();
      const set = timer();
      await backend.spoil(key, "timers");
      const bad = commitOf(key, start, { timers: [set] });
      const cancel = commitOf(key, start, { timers: [{ name: "t", set: null }] });
      const fire = commitOf(key, start, { firings: [firingOf(set)] });
      const good = commitOf(newKey(), start, { timers: [timer()] });
      const kinds = (await client.call([bad, good, cancel, fire])).map(({ kind }) => kind);
      assert.deepEqual(kinds, ["refused", "committed", "refused", "refused"]);
      assert.deepEqual(await client.history(key), []);
      await client.write(commitOf(key, start));
    },
  ),
];
