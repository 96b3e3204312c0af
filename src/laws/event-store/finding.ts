// Finding what became of messages: by their ids, in the records since they were sent.

import assert from "node:assert/strict";
import type { StoredRecord } from "../../core/record.ts";
import type { EntityKey } from "../../ports/event-store.ts";
import { type Client, commitOf, newKey, recordsOf, start } from "./client.ts";
import { law } from "./law.ts";

async function find(
  client: Client,
  key: EntityKey,
  messageIds: readonly string[],
  since = 0,
): Promise<readonly StoredRecord[]> {
  const found = await client.store.find({ key, messageIds, since }, client.deadline);
  assert.equal(found.kind, "found", JSON.stringify(found));
  return found.kind === "found" ? found.records : assert.fail();
}

export const findingLaws = [
  law("a message is found by its last record, whole, and in the order of the log", async (client) => {
    const key = newKey();
    const records = ["a", "b", "b", "c", "a"].map((messageId, i) => ({
      messageId,
      event: `{"type":"e","i":${i}}`,
      reply: `"${i}"`,
    }));
    const head = await client.write(commitOf(key, start, { records }));
    await client.append(key, 1, head);
    const history = await client.history(key);
    assert.deepEqual(await find(client, key, ["a", "b", "none"]), [history[2], history[4]]);
    assert.deepEqual(await find(client, key, ["none"]), []);
    assert.deepEqual(await find(client, newKey(), ["a"]), []);
  }),

  law("a message id that begins or ends another one is not that one", async (client) => {
    const key = newKey();
    const [record] = recordsOf(1);
    await client.write(commitOf(key, start, { records: [{ ...record, messageId: "message-12" } as never] }));
    assert.deepEqual(await find(client, key, ["message-1", "essage-12", "message-123", "12"]), []);
  }),

  law("a record that is older than asked for ends the search, and no other does", async (client) => {
    const key = newKey();
    const old = await client.write(
      commitOf(key, start, { records: [{ messageId: "old", event: '{"type":"e"}', reply: "" }] }),
    );
    const [first] = await client.history(key);
    const at = first?.at ?? assert.fail();
    await client.append(key, 3, old);
    assert.equal((await find(client, key, ["old"], at)).length, 1);
    const all = await client.history(key);
    assert.deepEqual(await find(client, key, ["old"], (all.at(-1)?.at ?? 0) + 1), []);
  }),

  law("it is found behind thousands of others, and with a whole page of the same message", async (client) => {
    const key = newKey();
    const own = { messageId: "deep", event: '{"type":"e"}', reply: "" };
    let head = await client.write(commitOf(key, start, { records: [own] }));
    for (let i = 0; i < 6; i++)
      head = await client.write(commitOf(key, head, { records: recordsOf(i === 3 ? 999 : 500) }));
    const many = Array.from({ length: 1_000 }, () => ({ ...own, messageId: "many" }));
    await client.write(commitOf(key, head, { records: many }));
    const [deep, last] = await find(client, key, ["deep", "many"]);
    assert.equal(deep?.version, 1);
    assert.equal(last?.version, head.version + 1_000);
  }),

  law("what was trimmed is not found, and what is kept is", async (client, stage) => {
    const key = newKey();
    const records = ["a", "b"].map((messageId) => ({ messageId, event: '{"type":"e"}', reply: "" }));
    await client.write(commitOf(key, start, { records }));
    await stage.backend.trim(key, 2);
    assert.deepEqual(
      (await find(client, key, ["a", "b"])).map(({ messageId }) => messageId),
      ["b"],
    );
  }),
];
