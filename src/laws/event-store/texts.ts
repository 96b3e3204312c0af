// The user's text comes back as it was, byte for byte: the store never looks into it.

import assert from "node:assert/strict";
import { commitOf, look, newKey, receipt, start } from "./client.ts";
import { law } from "./law.ts";

/** JSON texts that a store which parses, escapes, trims or splits would alter. */
const texts: readonly string[] = [
  '{"type":"plain"}',
  '{ "type" : "spaced" , "a":[ ] }',
  '{"type":"empties","a":[],"o":{},"s":"","deep":[[[]],{}]}',
  '{"type":"numbers","n":9007199254740993,"big":123456789012345678901234567890,"e":1e400,"f":0.1000,"z":-0,"pi":3.14159265358979323846}',
  '{"type":"__proto__","__proto__":{"admin":true},"constructor":{"prototype":{}}}',
  '{"type":"twice","a":1,"a":2}',
  JSON.stringify({ type: "unicode", text: "äöü € 漢字 🐘 👩‍👩‍👧 é é \u2028 \u2029 \ufeff \u007f \u0080" }),
  JSON.stringify({ type: "surrogates", text: "\ud800 \udc00 \udfff\ud800" }),
  JSON.stringify({ type: "controls", text: "\u0000\u0001\t\r\n\u001f\u007f\b\f" }),
  '{"type":"escapes","text":"\\u0000 \\n \\\\n \\/ \\" \\ud83d\\ude00"}',
  '{"type":"lookalikes","text":"1 1700000000000 commit message type"}',
  `{"type":"long","text":"${"ä".repeat(100_000)}"}`,
  '"text"',
  "[]",
  "null",
  "0",
];

export const textLaws = [
  law("events come back as they were given, from reads, loads and conflicts", async (client) => {
    const key = newKey();
    const records = texts.map((event, i) => ({ messageId: `m-${i}`, event, reply: "" }));
    const head = await client.write(commitOf(key, start, { records }));
    assert.deepEqual(
      (await client.history(key)).map(({ event }) => event),
      texts,
    );
    assert.deepEqual(
      (await client.load(key)).records.map(({ event }) => event),
      texts,
    );
    const lost = await client.commit(commitOf(key, start));
    assert.deepEqual(lost.kind === "conflict" && lost.missed.map(({ event }) => event), texts);
    await client.append(key, 1, head);
  }),

  law("replies come back as they were given, with the record that they were given with", async (client) => {
    const key = newKey();
    const replies = ["", ...texts, "", "1"];
    const records = replies.map((reply, i) => ({ messageId: `m-${i}`, event: '{"type":"replied"}', reply }));
    await client.write(commitOf(key, start, { records }));
    const history = await client.history(key);
    assert.deepEqual(
      history.map(({ reply }) => reply),
      replies,
    );
    assert.ok(history.every(({ event }) => event === '{"type":"replied"}'));
  }),

  law("receipts come back as they were given", async (client) => {
    const key = newKey();
    const values = [...texts, "a b  c ", " ", "not JSON {", "1 x y"];
    const receipts = values.map((value, i) => receipt(`key ${i}`, value));
    await client.write(commitOf(key, start, { records: [], receipts }));
    const result = await client.commit(
      commitOf(key, start, { receipts: values.map((_, i) => look(`key ${i}`)) }),
    );
    assert.deepEqual(result, { kind: "duplicate", found: values.map((value, step) => ({ step, value })) });
  }),

  law("the states of snapshots come back as they were given", async (client) => {
    for (const state of texts) {
      const key = newKey();
      const snapshot = { version: 1, schema: 1, state };
      const { commitId } = await client.write(commitOf(key, start, { snapshot }));
      assert.deepEqual((await client.load(key, 1)).snapshot, { ...snapshot, commitId });
    }
  }),

  law("ids and type names of every allowed form come back as they were given", async (client) => {
    const key = newKey();
    const commitId = `_-${"Az09".repeat(15)}_-`;
    const messageId = "x".repeat(64);
    const type = `A${"z9_.-".repeat(12)}Z`;
    await client.write(
      commitOf(key, start, { commitId, type, records: [{ messageId, event: "{}", reply: "" }] }),
    );
    const [record] = await client.history(key);
    assert.deepEqual([record?.commitId, record?.messageId, record?.type], [commitId, messageId, type]);
    await client.append(key, 1, { version: 1, commitId });
  }),
];
