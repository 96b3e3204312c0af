// Entries: what is in them, in which order, in what pages.

import assert from "node:assert/strict";
import { LOG_START } from "../../core/log-place.ts";
import { commitOf, headAfter, newKey, recordsOf, start } from "../event-store/client.ts";
import { asPage, law, placeAfter } from "../log/law.ts";

export const readingLaws = [
  law(
    "a call leaves one entry in each partition that it wrote to, with a line for each commit",
    async (reader) => {
      const [a, b, c] = [newKey(1), newKey(1), newKey(2)];
      await reader.call(
        commitOf(a, start, { records: recordsOf(2) }),
        commitOf(b, start),
        commitOf(c, start),
      );
      const line = (key: typeof a, first: number, count: number) => ({
        id: key.id,
        type: "law",
        first,
        count,
      });
      const [entry, ...none] = await reader.entries(1);
      assert.deepEqual(none, []);
      // Commits of one record come first in a call; what is promised is the order of each entity.
      assert.deepEqual(
        entry?.lines.toSorted((x, y) => y.count - x.count),
        [line(a, 1, 2), line(b, 1, 1)],
      );
      assert.deepEqual((await reader.entries(2))[0]?.lines, [line(c, 1, 1)]);
      assert.deepEqual(await reader.entries(0), []);
    },
  ),

  law("what was not written, or was written before, has no line", async (reader) => {
    const key = newKey();
    const commit = commitOf(key, start);
    await reader.call(commit);
    const deadline = reader.deadline();
    await reader.client.store.commit([commit, commitOf(key, start), commitOf(newKey(), start)], deadline);
    await reader.client.store.commit([commit, commitOf(newKey(), start, { records: [] })], deadline);
    const entries = await reader.entries(0);
    assert.deepEqual(
      entries.map(({ lines }) => lines.length),
      [1, 1],
    );
    assert.notEqual(entries[1]?.lines[0]?.id, key.id);
  }),

  law(
    "each commit is in the log once, and those of an entity in the order of its versions",
    async (reader, stage) => {
      const clients = [reader, await stage.open(), await stage.open()];
      const keys = Array.from({ length: 6 }, () => newKey(3));
      const heads = new Map(keys.map(({ id }) => [id, start]));
      for (let i = 0; i < 30; i++) {
        const commits = keys.map((key) =>
          commitOf(key, heads.get(key.id) ?? start, { records: recordsOf(1 + (i % 3)) }),
        );
        // Each from a client of its own, at once: half of the entities have two writers, of whom one loses.
        const rivals = keys.slice(0, 3).map((key) => commitOf(key, heads.get(key.id) ?? start));
        const calls = [commits.slice(0, 4), commits.slice(4), rivals];
        const results = await Promise.all(
          calls.map((call, n) => (clients[n] ?? reader).client.store.commit(call, reader.deadline())),
        );
        for (const [n, call] of calls.entries()) {
          call.forEach((commit, at) => {
            if (results[n]?.[at]?.kind === "committed") heads.set(commit.key.id, headAfter(commit));
          });
        }
      }
      const seen = new Map(keys.map(({ id }) => [id, 0]));
      let after = LOG_START;
      for (let more = true; more; ) {
        const page = asPage(await reader.page(3, after, 7));
        for (const entry of page.entries) {
          for (const { id, first, count } of entry.lines) {
            assert.equal(first, (seen.get(id) ?? Number.NaN) + 1);
            seen.set(id, first + count - 1);
          }
          after = placeAfter(entry);
        }
        more = page.more;
      }
      assert.deepEqual(seen, new Map([...heads].map(([id, { version }]) => [id, version])));
    },
  ),

  law(
    "reading goes on at the place where it ended, at every limit, and says whether there is more",
    async (reader) => {
      await reader.append(newKey(), 7);
      const all = await reader.entries(0);
      assert.equal(all.length, 7);
      for (const limit of [1, 2, 6, 7, 8]) {
        let after = LOG_START;
        const found = [];
        for (let more = true; more; ) {
          const page = asPage(await reader.page(0, after, limit));
          assert.ok(page.entries.length <= limit, `${page.entries.length} at a limit of ${limit}`);
          found.push(...page.entries);
          const last = page.entries.at(-1);
          if (last !== undefined) after = placeAfter(last);
          more = page.more;
        }
        assert.deepEqual(found, all, `limit ${limit}`);
      }
    },
  ),

  law("an entry of which only a part is done comes again, first", async (reader) => {
    await reader.append(newKey(), 3);
    const all = await reader.entries(0);
    const { entry = "", callId = "" } = all[1] ?? {};
    assert.deepEqual(await reader.entries(0, { entry, callId, done: 1 }), all.slice(1));
    assert.deepEqual(await reader.entries(0, { entry, callId, done: 0 }), all.slice(2));
    assert.deepEqual(await reader.entries(0, { entry, callId, done: 1 }, 1), all.slice(1, 2));
  }),

  law("the last entry of each partition is told, and the start where nothing was written", async (reader) => {
    await reader.append(newKey(1), 2);
    await reader.append(newKey(3), 1);
    const answer = await reader.client.reader.ends([0, 1, 2, 3], reader.deadline());
    assert.ok(answer.kind === "ends");
    const last = async (partition: number) => (await reader.entries(partition)).map(placeAfter).at(-1);
    assert.deepEqual(answer.places, [LOG_START, await last(1), LOG_START, await last(3)]);
  }),

  law("who writes tells the readers of its own process: which partition, which call", async (reader) => {
    const told: [number, string][] = [];
    const off = reader.client.reader.onAppend((partition, callId) => void told.push([partition, callId]));
    await reader.call(commitOf(newKey(1), start), commitOf(newKey(2), start));
    await reader.call(commitOf(newKey(3), start, { records: [] }));
    const calls = await Promise.all(
      [1, 2].map(async (partition) => (await reader.entries(partition))[0]?.callId),
    );
    assert.deepEqual(
      told.toSorted(([a], [b]) => a - b),
      [1, 2].map((partition, i) => [partition, calls[i]]),
    );
    off();
    await reader.call(commitOf(newKey(1), start));
    await reader.entries(1);
    assert.equal(told.length, 2);
  }),
];
