// What befalls a subscription besides moving.

import assert from "node:assert/strict";
import { LOG_START } from "../../core/log-place.ts";
import { newKey } from "../event-store/client.ts";
import { law, type Reader } from "../log/law.ts";

const NAME = "mailer";

async function names(reader: Reader, partition = 0): Promise<unknown> {
  const answer = await reader.client.cursors.names(partition, reader.deadline());
  return answer.kind === "names" ? answer.names : answer;
}

export const changingLaws = [
  law(
    "a subscription begins once in each partition: at the start, at a place, or at the end as of then",
    async (reader) => {
      await reader.append(newKey(), 3);
      const begun = await reader.change(NAME, { kind: "begin", at: "now" });
      const last = await reader.placeOf(0, 2);
      const fresh = { generation: 1, status: "running", error: "", truncated: 0, removed: 0 };
      assert.deepEqual(begun, { ...fresh, place: last });
      await reader.append(newKey(), 1);
      assert.deepEqual(await reader.change(NAME, { kind: "begin", at: "now" }), begun);
      assert.deepEqual(await reader.change(NAME, { kind: "begin", at: LOG_START }), begun);
      assert.deepEqual((await reader.change("b", { kind: "begin", at: LOG_START })).place, LOG_START);
      assert.deepEqual((await reader.change(NAME, { kind: "begin", at: "now" }, 1)).place, LOG_START);
      assert.deepEqual(await names(reader), ["b", NAME]);
      assert.deepEqual(await names(reader, 1), [NAME]);
      assert.deepEqual(await names(reader, 2), []);
    },
  ),

  law("paused, and resumed, without moving; the generation stays", async (reader) => {
    const begun = await reader.change(NAME, { kind: "begin", at: LOG_START });
    assert.deepEqual(await reader.change(NAME, { kind: "pause" }), { ...begun, status: "paused" });
    assert.deepEqual(await reader.change(NAME, { kind: "pause" }), { ...begun, status: "paused" });
    assert.deepEqual(await reader.change(NAME, { kind: "resume" }), begun);
  }),

  law("parked only where it stands, with the error, until it is resumed", async (reader) => {
    await reader.append(newKey(), 1);
    const place = await reader.placeOf(0, 0);
    const begun = await reader.change(NAME, { kind: "begin", at: place });
    const park = { kind: "park", generation: 1, at: place, error: "no\nSMTP" } as const;
    assert.deepEqual(await reader.change(NAME, { ...park, at: LOG_START }), begun);
    assert.deepEqual(await reader.change(NAME, { ...park, generation: 2 }), begun);
    assert.deepEqual(await reader.change(NAME, park), { ...begun, status: "parked", error: "no\nSMTP" });
    assert.deepEqual(await reader.change(NAME, { kind: "resume" }), begun);
    await reader.change(NAME, { kind: "pause" });
    assert.equal((await reader.change(NAME, park)).status, "paused");
  }),

  law("a rewind raises the generation and lets it run, with its rows or without", async (reader) => {
    await reader.append(newKey(), 2);
    const [first, last] = [await reader.placeOf(0, 0), await reader.placeOf(0, 1)];
    await reader.change(NAME, { kind: "begin", at: LOG_START });
    const rows = new Map([["a", "1"]]);
    const move = {
      name: NAME,
      partition: 0,
      generation: 1,
      by: "mover",
      from: LOG_START,
      to: last,
      truncated: 1,
      removed: 1,
      rows,
    };
    await reader.client.cursors.move(move, reader.deadline());
    await reader.change(NAME, { kind: "pause" });
    const row = () => reader.client.cursors.row(NAME, 0, "a", reader.deadline());
    const rewound = await reader.change(NAME, { kind: "rewind", at: first, clear: false });
    const fresh = { status: "running", error: "", truncated: 0, removed: 0 };
    assert.deepEqual(rewound, { ...fresh, generation: 2, place: first });
    assert.deepEqual(await row(), { kind: "row", row: "1" });
    const again = await reader.change(NAME, { kind: "rewind", at: "now", clear: true });
    assert.deepEqual(again, { ...fresh, generation: 3, place: last });
    assert.deepEqual(await row(), { kind: "row", row: null });
  }),

  law("removed with its rows; what is changed or moved then is not there", async (reader) => {
    await reader.append(newKey(), 1);
    const to = await reader.placeOf(0, 0);
    await reader.change(NAME, { kind: "begin", at: LOG_START });
    const rows = new Map([["a", "1"]]);
    const move = {
      name: NAME,
      partition: 0,
      generation: 1,
      by: "mover",
      from: LOG_START,
      to,
      truncated: 0,
      removed: 0,
      rows,
    };
    await reader.client.cursors.move(move, reader.deadline());
    const { cursors } = reader.client;
    const gone = { kind: "cursor", cursor: undefined };
    assert.deepEqual(await cursors.change(NAME, 0, { kind: "remove" }, reader.deadline()), gone);
    assert.deepEqual(await names(reader), []);
    assert.deepEqual(await cursors.row(NAME, 0, "a", reader.deadline()), { kind: "row", row: null });
    assert.deepEqual(await cursors.move(move, reader.deadline()), { kind: "refused", cursor: undefined });
    for (const kind of ["pause", "resume", "remove"] as const)
      assert.deepEqual(await cursors.change(NAME, 0, { kind }, reader.deadline()), gone);
    assert.equal((await reader.change(NAME, { kind: "begin", at: LOG_START })).generation, 1);
  }),

  law("trimming never passes a cursor, whoever made it and when", async (reader, stage) => {
    await reader.append(newKey(), 400);
    const [early, late] = [await reader.placeOf(0, 150), await reader.placeOf(0, 300)];
    await reader.change("early", { kind: "begin", at: early });
    await reader.change("late", { kind: "begin", at: late });
    const other = await stage.open();
    const stands = async (place: typeof early) => {
      const page = await reader.page(0, place, 1_000);
      return page.kind === "page" && page.truncated === 0 ? page.entries.length : page;
    };
    const first = await other.trim(0);
    assert.ok(first > 100 && first <= 150, `${first} went`);
    assert.equal(await stands(early), 249);
    await reader.client.cursors.change("early", 0, { kind: "remove" }, reader.deadline());
    const second = await other.trim(0);
    assert.ok(first + second > 250 && first + second <= 300, `${first} and ${second} went`);
    assert.equal(await stands(late), 99);
  }),

  law("trimming keeps what is not old enough", async (reader) => {
    await reader.append(newKey(), 400);
    const before = reader.client.store.now() - 60_000;
    const kept = await reader.client.cursors.trim(0, before, reader.deadline());
    assert.deepEqual(kept, { kind: "trimmed", entries: 0 });
    assert.equal((await reader.entries(0, LOG_START, 1_000)).length, 400);
  }),

  law("what has no time left, or is closed, is unavailable", async (reader) => {
    const { cursors } = reader.client;
    const kinds = async (deadline: number) => {
      const move = {
        generation: 1,
        by: "mover",
        from: LOG_START,
        to: LOG_START,
        truncated: 0,
        removed: 0,
        rows: new Map(),
      };
      const answers = await Promise.all([
        cursors.load(NAME, 0, deadline),
        cursors.move({ name: NAME, partition: 0, ...move }, deadline),
        cursors.change(NAME, 0, { kind: "pause" }, deadline),
        cursors.row(NAME, 0, "a", deadline),
        cursors.rows(NAME, 0, null, deadline),
        cursors.names(0, deadline),
        cursors.trim(0, 0, deadline),
      ]);
      return [...new Set(answers.map(({ kind }) => kind))];
    };
    assert.deepEqual(await kinds(reader.deadline(-1)), ["unavailable"]);
    await cursors.close();
    assert.deepEqual(await kinds(reader.deadline()), ["unavailable"]);
  }),

  law(
    "foreign data in place of a cursor is unreadable, and hurts nobody else",
    async (reader, { backend, network }) => {
      await reader.change(NAME, { kind: "begin", at: LOG_START });
      await backend.spoil?.(network, 0, { cursor: "bad" });
      const { cursors } = reader.client;
      const [bad, good] = await Promise.all([
        cursors.load("bad", 0, reader.deadline()),
        cursors.load(NAME, 0, reader.deadline()),
      ]);
      assert.deepEqual([bad.kind, good.kind], ["unreadable", "cursor"]);
      assert.equal((await cursors.change("bad", 0, { kind: "pause" }, reader.deadline())).kind, "unreadable");
    },
  ),
];
