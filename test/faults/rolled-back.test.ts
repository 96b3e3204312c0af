// Redis loses commits that it had acknowledged, under a worker that remembers them: the node says so, forgets them, and
// goes on with what the log holds. Promise 12 of docs/guarantees.md.

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { newId, Pachyderm } from "../../src/index.ts";
import { Bookkeeper, startNode } from "../harness/bookkeeper.ts";
import { checkLedger, readLedger } from "../harness/ledger-log.ts";
import { cutFile, promoteReplica, type Stage } from "../harness/losing-redis.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { until } from "../harness/until.ts";
import { ledger } from "../programs/ledger.ts";

const NETWORK = "rolled-back";
const KEPT = 5;
const LOST = 7;

describe.each([
  ["the end of the append-only file is lost", cutFile],
  ["a replica that lagged is promoted", promoteReplica],
])("%s", (_, open) => {
  let stage: Stage;
  let diverged: number[];
  beforeEach(async () => {
    stage = await open(NETWORK);
    diverged = [];
    stage.node.on("log-diverged", ({ version }) => {
      if (version !== undefined) diverged.push(version); // the other kind, of the network's log, is test/faults/log-lost
    });
  });
  afterEach(() => stage.stop());

  /** Sends so many, all of which are answered. @returns the last cursor */
  async function fill(book: Bookkeeper, count: number): Promise<void> {
    for (let i = 0; i < count; i++) expect((await book.send()).error).toBeNull();
  }

  async function expectServes(book: Bookkeeper, from: number): Promise<void> {
    const versions = [];
    for (let i = 0; i < 3; i++) versions.push((await book.send()).attempt);
    expect(versions).toMatchObject([1, 2, 3].map((i) => ({ outcome: "answered", handledVersion: from + i })));
    const records = await stage.server.ask((redis) => readLedger(redis, NETWORK, book.id));
    // What was acknowledged and lost, Redis lost; everything else is sound.
    const lost = new Set(book.attempts.map(({ op }) => op));
    for (const { op } of records) lost.delete(op);
    const kept = book.attempts.filter(({ op }) => !lost.has(op));
    expect(checkLedger(records, kept)).toEqual([]);
    expect(lost.size).toBe(LOST);
  }

  test("the log is shorter than the worker remembers", async () => {
    const book = new Bookkeeper(stage.node, "warm");
    await fill(book, KEPT);
    await stage.remember();
    await fill(book, LOST);
    await stage.lose();
    await expectServes(book, KEPT);
    expect(diverged).toEqual([KEPT + LOST]);
  });

  test("the entity is gone altogether", async () => {
    const other = new Bookkeeper(stage.node, "other");
    await fill(other, 1);
    const book = new Bookkeeper(stage.node, "warm");
    await stage.remember();
    await fill(book, LOST);
    await stage.lose();
    await expectServes(book, 0);
    expect(diverged).toEqual([LOST]);
  });

  test.each([-1, 0, 1, 200])(
    "the log has grown again, to %i past what the worker remembers",
    async (past) => {
      const book = new Bookkeeper(stage.node, "warm");
      await fill(book, KEPT);
      await stage.remember();
      await fill(book, LOST);
      await stage.lose();
      const stranger = await startNode(stage.server.url, NETWORK);
      const theirs = new Bookkeeper(stranger, "stranger", book.id);
      await fill(theirs, LOST + past);
      await stranger.stop();
      const answer = await stage.node.get(ledger.ref(book.id));
      expect(answer.version).toBe(KEPT + LOST + past);
      expect(diverged).toEqual([KEPT + LOST]);
      const next = await book.send();
      expect(next.attempt).toMatchObject({ outcome: "answered", handledVersion: KEPT + LOST + past + 1 });
      const records = await stage.server.ask((redis) => readLedger(redis, NETWORK, book.id));
      const kept = book.attempts.filter(({ op }) => records.some((record) => record.op === op));
      expect(checkLedger(records, [...kept, ...theirs.attempts])).toEqual([]);
    },
  );

  test("a batch in the middle of it is handled again on what the log holds", async () => {
    const book = new Bookkeeper(stage.node, "warm");
    await fill(book, KEPT);
    await stage.remember();
    await fill(book, LOST);
    await stage.lose();
    const batch = await Promise.all(Array.from({ length: 20 }, () => book.send()));
    expect(batch.map(({ attempt }) => attempt)).toMatchObject(
      batch.map((_, i) => ({ outcome: "answered", handledVersion: KEPT + 1 + i })),
    );
    expect(diverged).toEqual([KEPT + LOST]);
  });

  test("cursors of the lost part are LOG_DIVERGED, those of the kept part hold", async () => {
    const id = newId();
    const send = (op: string) => stage.node.send(ledger.ref(id), { type: "add", op });
    const kept = (await send("c:0")).cursor;
    await stage.remember();
    const lost = [(await send("c:1")).cursor, (await send("c:2")).cursor];
    await stage.lose();

    const diverges = { code: "LOG_DIVERGED", outcome: "not-committed" };
    const expectLost = async (): Promise<void> => {
      for (const cursor of lost) {
        await expect(
          stage.node.get(ledger.ref(id), undefined, undefined, { atLeast: cursor }),
        ).rejects.toMatchObject(diverges);
        const message = { type: "add", op: "c:never" } as const;
        await expect(stage.node.send(ledger.ref(id), message, { expected: cursor })).rejects.toMatchObject(
          diverges,
        );
      }
      const got = await stage.node.get(ledger.ref(id), undefined, undefined, { atLeast: kept });
      expect(got.version).toBeGreaterThanOrEqual(1);
    };
    await expectLost();
    await send("c:3");
    await expectLost();
    await send("c:4");
    await expectLost();
    await send("c:5");
    await expectLost();
    // An old cursor of the kept part is a mismatch and no more.
    const mismatch = stage.node.send(ledger.ref(id), { type: "add", op: "c:6" }, { expected: kept });
    await expect(mismatch).rejects.toMatchObject({ code: "EXPECTED_MISMATCH", outcome: "not-committed" });
  });
});

test("a Redis that was emptied gets the settings again, so that no node with others can start beside", async () => {
  const server = await RedisServer.start();
  const node = await startNode(server.url, NETWORK);
  const book = new Bookkeeper(node, "warm");
  await book.send();
  await server.ask((redis) => redis.flushall());
  await book.send();
  await until("the settings are there again", () =>
    server.ask(async (redis) => (await redis.exists(`{${NETWORK}:meta}:settings`)) === 1),
  );
  const other = Pachyderm.start({ redis: server.url, network: NETWORK, partitions: 8 });
  await expect(other).rejects.toMatchObject({ code: "CONFIG_MISMATCH" });
  await node.stop();
  await server.stop();
});
