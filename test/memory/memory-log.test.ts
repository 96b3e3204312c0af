// The network's log of the embedded backend: one entry for each call and partition, of what was written.

import { expect, test } from "vitest";
import { commitOf, newKey, recordsOf, start } from "../../src/laws/event-store/client.ts";
import { MemoryEventStore } from "../../src/memory/event-store.ts";
import { MemoryLog, type MemoryLogOptions } from "../../src/memory/memory-log.ts";
import { systemClock } from "../../src/node/clock.ts";

/** The lines of each entry. */
const published = (log: MemoryLog, partition: number) =>
  log.partition(partition).entries.map(({ lines }) => lines);

const soon = () => systemClock.monotonicMs() + 1_000;

function opened(options?: MemoryLogOptions) {
  const log = new MemoryLog(systemClock, options);
  return { log, store: new MemoryEventStore(systemClock, log) };
}

test("a call leaves one entry in each partition that it wrote to", async () => {
  const { log, store } = opened({ log: true });
  const [a, b, c] = [newKey(3), newKey(3), newKey(5)];
  const first = commitOf(a, start, { records: recordsOf(2) });
  await store.commit([first, commitOf(b, start), commitOf(c, start)], soon());
  await store.commit([commitOf(a, { version: 2, commitId: first.commitId })], soon());
  const item = (key: typeof a, at: number, count: number) => ({ id: key.id, type: "law", first: at, count });
  expect(published(log, 3)).toEqual([[item(a, 1, 2), item(b, 1, 1)], [item(a, 3, 1)]]);
  expect(published(log, 5)).toEqual([[item(c, 1, 1)]]);
  expect(published(log, 0)).toEqual([]);
});

test("what was not written, or written before, leaves no entry", async () => {
  const { log, store } = opened({ log: true });
  const key = newKey(1);
  const commit = commitOf(key, start);
  await store.commit([commit], soon());
  await store.commit([commit, commitOf(key, start), commitOf(newKey(1), start, { records: [] })], soon());
  expect(published(log, 1)).toHaveLength(1);
});

test("without the option there is no log", async () => {
  const { log, store } = opened();
  await store.commit([commitOf(newKey(), start)], soon());
  expect(published(log, 0)).toEqual([]);
});
