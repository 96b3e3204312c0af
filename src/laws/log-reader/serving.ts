// Servers that do not answer, foreign data, and the end.

import assert from "node:assert/strict";
import { LOG_START } from "../../core/log-place.ts";
import { newKey } from "../event-store/client.ts";
import { law, type Reader } from "../log/law.ts";
import { until } from "../until.ts";

const line = { id: newKey().id, type: "law", first: 1, count: 1 };

async function kinds({ client: { reader } }: Reader, deadline: number): Promise<readonly string[]> {
  const answers = await Promise.all([
    reader.read(0, LOG_START, 1, deadline),
    reader.records(0, [line], deadline),
    reader.ends([0], deadline),
  ]);
  return answers.map(({ kind }) => kind);
}

const unavailable = ["unavailable", "unavailable", "unavailable"];

export const servingLaws = [
  law("what has no time left, or is closed, is unavailable", async (reader) => {
    assert.deepEqual(await kinds(reader, reader.deadline(-1)), unavailable);
    await reader.client.reader.close();
    assert.deepEqual(await kinds(reader, reader.deadline()), unavailable);
  }),

  law("foreign data in place of the log is unreadable", async (reader, { backend, network }) => {
    await backend.spoil?.(network, 1, "log");
    const { reader: log } = reader.client;
    assert.equal((await log.read(1, LOG_START, 10, reader.deadline())).kind, "unreadable");
    assert.equal(
      (await log.read(1, { entry: "5-1", callId: "c", done: 0 }, 10, reader.deadline())).kind,
      "unreadable",
    );
    assert.equal((await log.ends([1], reader.deadline())).kind, "unreadable");
  }),

  law(
    "a frozen server: `unavailable` at the deadline; when it thaws, all is well",
    async (reader, { backend }) => {
      await reader.append(newKey(), 1);
      backend.server?.freeze();
      try {
        assert.deepEqual(await kinds(reader, reader.deadline(300)), unavailable);
      } finally {
        backend.server?.thaw();
      }
      await until("the log is read", async () => (await reader.page(0)).kind === "page");
    },
  ),

  law("a restart of the server heals by itself, and is told", async (reader, { backend }) => {
    await reader.append(newKey(), 1);
    let told = 0;
    await reader.page(0);
    reader.client.reader.onReconnect(() => {
      told += 1;
    });
    await backend.server?.restart();
    await until("the log is read", async () => (await reader.page(0)).kind === "page");
    await until("it is told", async () => told > 0);
  }),
];
