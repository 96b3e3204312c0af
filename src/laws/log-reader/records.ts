// The records that lines name.

import assert from "node:assert/strict";
import type { LogLine } from "../../core/log-entry.ts";
import { commitOf, headAfter, newKey, recordsOf, start } from "../event-store/client.ts";
import { law, type Reader } from "../log/law.ts";

const linesOf = async (reader: Reader, partition: number): Promise<readonly LogLine[]> =>
  (await reader.entries(partition, undefined, 1_000)).flatMap(({ lines }) => lines);

export const recordLaws = [
  law("the records of lines come in the order of the lines, whole", async (reader) => {
    const keys = Array.from({ length: 5 }, () => newKey());
    const heads = new Map(keys.map((key) => [key, start]));
    for (let i = 0; i < 20; i++) {
      const commits = keys.map((key, n) =>
        commitOf(key, heads.get(key) ?? start, { records: recordsOf(1 + ((i + n) % 3)) }),
      );
      await reader.call(...commits);
      for (const commit of commits) heads.set(commit.key, headAfter(commit));
    }
    const lines = await linesOf(reader, 0);
    const { lines: found } = await reader.records(0, lines);
    assert.equal(found.length, 100);
    lines.forEach(({ id, first, count, type }, i) => {
      const records = found[i] ?? [];
      assert.deepEqual(
        records.map(({ version }) => version),
        Array.from({ length: count }, (_, n) => first + n),
        id,
      );
      assert.deepEqual(new Set(records.map(({ commitId }) => commitId)).size, 1);
      assert.equal(records[0]?.type, type);
      assert.equal(records[0]?.event, '{"type":"counted","i":0}');
    });
  }),

  law("what retention took away is missing from its line, from the front", async (reader, stage) => {
    const key = newKey();
    const first = commitOf(key, start, { records: recordsOf(3) });
    await reader.call(first);
    await reader.append(key, 2, headAfter(first));
    const lines = await linesOf(reader, 0);
    const kept = async () =>
      (await reader.records(0, lines)).lines.map((one) => one.map(({ version }) => version));
    await stage.backend.trimRecords(stage.network, key, 3);
    assert.deepEqual(await kept(), [[3], [4], [5]]);
    await stage.backend.trimRecords(stage.network, key, 5);
    assert.deepEqual(await kept(), [[], [], [5]]);
  }),

  law("of a line that was written in part only the records of its own commit come", async (reader, stage) => {
    const key = newKey();
    const head = await reader.append(key, 1);
    // As if a commit of three had been torn after its first record, and another one had come after that.
    await stage.backend.plant(stage.network, 0, "torn", [{ id: key.id, type: "law", first: 1, count: 3 }]);
    await reader.append(key, 2, head);
    const { lines } = await reader.records(0, await linesOf(reader, 0));
    assert.deepEqual(
      lines.map((records) => records.map(({ version }) => version)),
      [[1], [1], [2], [3]],
    );
  }),

  law("records that are too many for one answer come in parts, none of them left out", async (reader) => {
    const text = `"${"x".repeat(700_000)}"`;
    const key = newKey();
    let head = start;
    for (let i = 0; i < 12; i++) {
      const commit = commitOf(key, head, { records: [{ messageId: `m${i}`, event: text, reply: "" }] });
      await reader.call(commit);
      head = headAfter(commit);
      await reader.append(newKey(), 1);
    }
    const lines = await linesOf(reader, 0);
    const ids: string[] = [];
    for (let from = 0; from < lines.length; ) {
      const answer = await reader.records(0, lines.slice(from));
      assert.ok(answer.lines.length > 0);
      for (const [i, records] of answer.lines.entries()) {
        assert.equal(records.length, 1, `line ${from + i}`);
        ids.push(records[0]?.messageId ?? "");
      }
      from += answer.lines.length;
    }
    assert.deepEqual(
      ids.filter((id) => id.startsWith("m")),
      Array.from({ length: 12 }, (_, i) => `m${i}`),
    );
  }),

  law("no lines, no records", async (reader) => {
    assert.deepEqual((await reader.records(0, [])).lines, []);
  }),
];
