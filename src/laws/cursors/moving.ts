// Moves: compared and made in one step, with their rows.

import assert from "node:assert/strict";
import { LOG_START, type LogPlace } from "../../core/log-place.ts";
import type { CursorMove } from "../../ports/cursors.ts";
import { newKey } from "../event-store/client.ts";
import { law, type Reader } from "../log/law.ts";

const NAME = "mailer";

function moveOf(from: LogPlace, to: LogPlace, parts: Partial<CursorMove> = {}): CursorMove {
  return {
    name: NAME,
    partition: 0,
    generation: 1,
    by: "mover",
    from,
    to,
    truncated: 0,
    removed: 0,
    rows: new Map(),
    ...parts,
  };
}

/** A subscription at the start of a log of five entries, and the places behind them. */
async function begun(reader: Reader): Promise<readonly LogPlace[]> {
  await reader.append(newKey(), 5);
  await reader.change(NAME, { kind: "begin", at: LOG_START });
  return await Promise.all([0, 1, 2, 3, 4].map((number) => reader.placeOf(0, number)));
}

const at = (places: readonly LogPlace[], number: number): LogPlace => places[number] ?? assert.fail();
const status = "running";

export const movingLaws = [
  law("a cursor moves from where it is, and stands there then", async (reader) => {
    const places = await begun(reader);
    const { cursors } = reader.client;
    assert.deepEqual(await cursors.move(moveOf(LOG_START, at(places, 1)), reader.deadline()), {
      kind: "moved",
      status,
    });
    const partly = { ...at(places, 2), done: 1 };
    assert.deepEqual(await cursors.move(moveOf(at(places, 1), partly), reader.deadline()), {
      kind: "moved",
      status,
    });
    assert.deepEqual((await reader.cursor(NAME))?.place, partly);
    assert.equal(await reader.cursor(NAME, 1), undefined);
  }),

  law("a move from elsewhere is refused, and told where the cursor is", async (reader) => {
    const places = await begun(reader);
    const { cursors } = reader.client;
    await cursors.move(moveOf(LOG_START, at(places, 3)), reader.deadline());
    const late = await cursors.move(moveOf(LOG_START, at(places, 1)), reader.deadline());
    assert.deepEqual(late, { kind: "refused", cursor: await reader.cursor(NAME) });
    assert.deepEqual((await reader.cursor(NAME))?.place, at(places, 3));
  }),

  law(
    "of two movers from one place one wins; the same move again is moved already",
    async (reader, stage) => {
      const places = await begun(reader);
      const other = await stage.open();
      const rows = (value: string) => new Map([["count", value]]);
      const of = (by: string) => moveOf(LOG_START, at(places, 1), { by, rows: rows(by) });
      const results = await Promise.all([
        reader.client.cursors.move(of("a"), reader.deadline()),
        other.client.cursors.move(of("b"), reader.deadline()),
      ]);
      assert.deepEqual(results.map(({ kind }) => kind).toSorted(), ["moved", "refused"]);
      const [won, lost] = results[0]?.kind === "moved" ? ["a", "b"] : ["b", "a"];
      const again = { ...of(won), rows: rows("9"), truncated: 5 };
      assert.equal((await other.client.cursors.move(again, reader.deadline())).kind, "moved");
      assert.equal((await other.client.cursors.move(of(lost), reader.deadline())).kind, "refused");
      const row = await reader.client.cursors.row(NAME, 0, "count", reader.deadline());
      assert.deepEqual(row, { kind: "row", row: won });
      assert.equal((await reader.cursor(NAME))?.truncated, 0);
    },
  ),

  law("a move of another generation is refused: a rewind in the middle of a batch holds", async (reader) => {
    const places = await begun(reader);
    const { cursors } = reader.client;
    await cursors.move(moveOf(LOG_START, at(places, 3)), reader.deadline());
    await reader.change(NAME, { kind: "rewind", at: at(places, 3), clear: false });
    const old = await cursors.move(moveOf(at(places, 3), at(places, 4)), reader.deadline());
    assert.equal(old.kind, "refused");
    const now = await cursors.move(
      moveOf(at(places, 3), at(places, 4), { generation: 2 }),
      reader.deadline(),
    );
    assert.equal(now.kind, "moved");
  }),

  law("a cursor never moves to a place that the log does not hold", async (reader, stage) => {
    const places = await begun(reader);
    const { cursors } = reader.client;
    await stage.backend.rollBackLog(stage.network, 0, at(places, 1).entry);
    const rows = new Map([["a", "1"]]);
    assert.deepEqual(await cursors.move(moveOf(LOG_START, at(places, 3), { rows }), reader.deadline()), {
      kind: "diverged",
    });
    const another = { ...at(places, 1), callId: "another" };
    assert.deepEqual(await cursors.move(moveOf(LOG_START, another, { rows }), reader.deadline()), {
      kind: "diverged",
    });
    assert.deepEqual((await reader.cursor(NAME))?.place, LOG_START);
    assert.deepEqual(await cursors.row(NAME, 0, "a", reader.deadline()), { kind: "row", row: null });
  }),

  law("rows move with the cursor: written, replaced, removed; a refused move leaves them", async (reader) => {
    const places = await begun(reader);
    const { cursors } = reader.client;
    const step = async (from: LogPlace, to: LogPlace, rows: readonly (readonly [string, string | null])[]) =>
      (await cursors.move(moveOf(from, to, { rows: new Map(rows) }), reader.deadline())).kind;
    const rows = async () => {
      const answer = await cursors.rows(NAME, 0, null, reader.deadline());
      return answer.kind === "rows" ? answer.rows.toSorted(([a], [b]) => (a < b ? -1 : 1)) : answer;
    };
    assert.equal(
      await step(LOG_START, at(places, 0), [
        ["a", "[]"],
        ["b", '"\\n{}"'],
        ["ü :", "3"],
      ]),
      "moved",
    );
    assert.deepEqual(await rows(), [
      ["a", "[]"],
      ["b", '"\\n{}"'],
      ["ü :", "3"],
    ]);
    assert.equal(await step(LOG_START, at(places, 2), [["a", "9"]]), "refused");
    assert.equal(
      await step(at(places, 0), at(places, 1), [
        ["a", "2"],
        ["b", null],
        ["none", null],
      ]),
      "moved",
    );
    assert.deepEqual(await rows(), [
      ["a", "2"],
      ["ü :", "3"],
    ]);
  }),

  law("many rows are read in parts, all of them", async (reader) => {
    const places = await begun(reader);
    const { cursors } = reader.client;
    const rows = new Map(Array.from({ length: 1_200 }, (_, i) => [`key ${i}`, `${i}`]));
    await cursors.move(moveOf(LOG_START, at(places, 0), { rows }), reader.deadline());
    const found = new Map<string, string>();
    let from: string | null = null;
    do {
      const answer = await cursors.rows(NAME, 0, from, reader.deadline());
      assert.ok(answer.kind === "rows");
      for (const [key, row] of answer.rows) found.set(key, row);
      from = answer.next;
    } while (from !== null);
    assert.deepEqual(new Map([...found].toSorted()), new Map([...rows].toSorted()));
  }),

  law("what was missed is added up", async (reader) => {
    const places = await begun(reader);
    const { cursors } = reader.client;
    await cursors.move(moveOf(LOG_START, at(places, 0), { truncated: 3, removed: 2 }), reader.deadline());
    await cursors.move(moveOf(at(places, 0), at(places, 1), { truncated: 1, removed: 1 }), reader.deadline());
    const { truncated, removed } = (await reader.cursor(NAME)) ?? assert.fail();
    assert.deepEqual({ truncated, removed }, { truncated: 4, removed: 3 });
  }),
];
