// What is not there (any more): lost by the server, or trimmed.

import assert from "node:assert/strict";
import { newKey } from "../event-store/client.ts";
import { asPage, law } from "../log/law.ts";

export const losingLaws = [
  law("a place behind the end of a log that was rolled back is diverged", async (reader, stage) => {
    await reader.append(newKey(), 4);
    const [second, last] = [await reader.placeOf(0, 1), await reader.placeOf(0, 3)];
    await stage.backend.rollBackLog(stage.network, 0, second.entry);
    assert.equal((await reader.page(0, last)).kind, "diverged");
    assert.deepEqual(await reader.entries(0, second), []);
  }),

  law("it is diverged still when the log has grown past the place again", async (reader, stage) => {
    await reader.append(newKey(), 4);
    const [second, third, last] = [
      await reader.placeOf(0, 1),
      await reader.placeOf(0, 2),
      await reader.placeOf(0, 3),
    ];
    await stage.backend.rollBackLog(stage.network, 0, second.entry);
    await reader.append(newKey(), 9);
    for (const lost of [third, last]) {
      assert.equal((await reader.page(0, lost)).kind, "diverged");
      assert.equal((await reader.page(0, { ...lost, done: 1 })).kind, "diverged");
    }
    assert.equal((await reader.entries(0, second)).length, 9);
  }),

  law("an entry of another call under the place's id is diverged", async (reader) => {
    await reader.append(newKey(), 2);
    const place = await reader.placeOf(0, 0);
    assert.equal((await reader.page(0, { ...place, callId: "another" })).kind, "diverged");
    assert.equal((await reader.page(0, { ...place, callId: place.callId.slice(0, -1) })).kind, "diverged");
  }),

  law("a place in a log that lost everything is diverged", async (reader, stage) => {
    await reader.append(newKey(), 2);
    const place = await reader.placeOf(0, 0);
    await stage.backend.rollBackLog(stage.network, 0, "0-0");
    assert.equal((await reader.page(0, place)).kind, "diverged");
  }),

  law(
    "what was trimmed is told: to whoever begins at the start, and at a place that is gone",
    async (reader) => {
      const key = newKey();
      const head = await reader.append(key, 400);
      const [first, late] = [await reader.placeOf(0, 0), await reader.placeOf(0, 398)];
      const gone = await reader.trim(0);
      assert.ok(gone > 0 && gone < 400, `${gone} entries went`);
      const fromStart = asPage(await reader.page(0));
      assert.equal(fromStart.truncated, gone);
      const fromPlace = asPage(await reader.page(0, first));
      assert.ok(fromPlace.truncated >= 1);
      assert.deepEqual(fromPlace.entries, fromStart.entries);
      assert.equal(
        asPage(await reader.page(0, fromPlace.entries.map((e) => ({ ...e, done: 0 }))[0])).truncated,
        0,
      );
      await reader.append(key, 2, head);
      const kept = asPage(await reader.page(0, late));
      if (kept.truncated === 0) assert.equal(kept.entries.length, 3);
    },
  ),

  law("the last entry is never trimmed", async (reader) => {
    await reader.append(newKey(), 400);
    const last = await reader.placeOf(0, 399);
    await reader.trim(0);
    assert.deepEqual(asPage(await reader.page(0, last)).entries, []);
    const ends = await reader.client.reader.ends([0], reader.deadline());
    assert.deepEqual(ends, { kind: "ends", places: [last] });
  }),
];
