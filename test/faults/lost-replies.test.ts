// The line to Redis, or Redis itself, fails in the middle of sends. Each sender gets an answer or an honest `unknown`
// by its deadline, nothing is in the log twice, and sends succeed again by themselves.

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { newId, type Pachyderm } from "../../src/index.ts";
import { Bookkeeper, startNode, type Told } from "../harness/bookkeeper.ts";
import { checkLedger, readLedger } from "../harness/ledger-log.ts";
import { TcpProxy } from "../harness/proxy.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { LATE_MS } from "../harness/rounds.ts";
import { until } from "../harness/until.ts";

const NETWORK = "lost-replies";
const DEADLINE_MS = 3_000;
let server: RedisServer;
let line: TcpProxy;
let node: Pachyderm;

beforeAll(async () => {
  // `always`: with `everysec` Redis puts off its write while an fsync runs long, so that one killed beside a busy disk
  // has lost what it had acknowledged. That is Redis's to lose, and not what is tested here.
  server = await RedisServer.start({ config: { appendfsync: "always" } });
});
afterAll(() => server.stop());
beforeEach(async () => {
  line = await TcpProxy.start(server.port);
  node = await startNode(line.url, NETWORK, { timeoutMs: DEADLINE_MS });
});
afterEach(async () => {
  await node.stop();
  await line.stop();
});

/** What the log holds agrees with what everybody was told, and everybody was told in time. */
async function expectSound({ id, told, attempts }: Bookkeeper): Promise<void> {
  const records = await server.ask((redis) => readLedger(redis, NETWORK, id));
  expect(checkLedger(records, attempts)).toEqual([]);
  for (const { tookMs } of told) expect(tookMs).toBeLessThan(DEADLINE_MS + LATE_MS);
}

/** Sends without pause, several at a time, while something happens to the line or to Redis. */
async function sendDuring(books: readonly Bookkeeper[], event: () => Promise<void>): Promise<void> {
  let over = false;
  const sending = books.flatMap((book) =>
    Array.from({ length: 4 }, async () => {
      while (!over) await book.send();
    }),
  );
  try {
    await event();
  } finally {
    over = true;
  }
  await Promise.all(sending);
}

function answersOf(books: readonly Bookkeeper[]): number {
  return books.flatMap(({ attempts }) => attempts.filter(({ outcome }) => outcome === "answered")).length;
}

/** All entities are answered again, so many times more than now. */
async function answersAgain(books: readonly Bookkeeper[], more = 40): Promise<void> {
  const least = answersOf(books) + more;
  await until(`there are ${more} more answers`, () => answersOf(books) >= least, 15_000);
}

test("the reply of a commit is lost after it ran: the sender still gets its answer, once", async () => {
  const book = new Bookkeeper(node, "a");
  await book.send();
  for (let round = 0; round < 20; round++) {
    const lost = line.loseReplies();
    const told = await book.send();
    await lost;
    expect(told.attempt).toMatchObject({ outcome: "answered", handledVersion: round + 2 });
    expect(told.duplicate).toBe(false);
  }
  await expectSound(book);
});

test("replies are lost for longer than the deadline: unknown, and a repeat with the key gives the first version", async () => {
  const book = new Bookkeeper(node, "a");
  await book.send();
  const key = { idempotencyKey: "the-key", timeoutMs: 500 };
  const never = line.loseReplies(Number.MAX_SAFE_INTEGER);
  const told = await book.send(key);
  expect(told.error).toMatchObject({ outcome: "unknown", retryable: true });
  expect(told.tookMs, "its own deadline, and not the node's").toBeLessThan(DEADLINE_MS);
  line.heal();
  await never;
  const others = await Promise.all([book.send(), book.send()]);
  expect(others.map(({ error }) => error)).toEqual([null, null]);
  const again = await book.repeat(told.attempt.op, { ...key, timeoutMs: DEADLINE_MS });
  expect(again).toMatchObject({ duplicate: true, attempt: { outcome: "answered", handledVersion: 2 } });
  // Only once in the log; the repeat saw today's state.
  await expectSound(book);
});

test("a sender whose deadline passes while its commit is tried again hears `unknown`, though others wait on", async () => {
  const book = new Bookkeeper(node, "a");
  await book.send();
  const never = line.loseReplies(Number.MAX_SAFE_INTEGER);
  // One batch, one commit: it is tried until the later of the two deadlines.
  const [hasty, patient] = [book.send({ timeoutMs: 300 }), book.send()];
  expect((await hasty).error).toMatchObject({ code: "DEADLINE_EXCEEDED", outcome: "unknown" });
  line.heal();
  await never;
  expect((await patient).attempt).toMatchObject({ outcome: "answered", handledVersion: 3 });
  await expectSound(book);
});

test("cut while many entities send: nothing is lost or doubled", async () => {
  const books = Array.from({ length: 8 }, (_, i) => new Bookkeeper(node, `s${i}`));
  await sendDuring(books, async () => {
    for (let round = 0; round < 10; round++) {
      await answersAgain(books);
      if (round % 2 === 0) line.cut();
      else await line.loseReplies();
    }
    await answersAgain(books);
  });
  for (const book of books) await expectSound(book);
  // A cut is shorter than the deadline: nobody has to hear of it.
  expect(books.flatMap(({ told }) => told.filter(({ error }) => error !== null))).toEqual([]);
});

test("SCRIPT FLUSH and CLIENT KILL, again and again, under load: nobody hears of it", async () => {
  const books = Array.from({ length: 8 }, (_, i) => new Bookkeeper(node, `s${i}`));
  await sendDuring(books, async () => {
    for (let round = 0; round < 10; round++) {
      await answersAgain(books);
      await server.ask((redis) => redis.script("FLUSH"));
      await answersAgain(books);
      await server.ask((redis) => redis.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"));
    }
    await answersAgain(books);
  });
  for (const book of books) await expectSound(book);
  expect(books.flatMap(({ told }) => told.filter(({ error }) => error !== null))).toEqual([]);
});

test("Redis is killed and started again under load: sends succeed again by themselves", async () => {
  const books = Array.from({ length: 8 }, (_, i) => new Bookkeeper(node, `s${i}`));
  await sendDuring(books, async () => {
    for (let round = 0; round < 3; round++) {
      await answersAgain(books);
      await server.restart();
    }
    await answersAgain(books);
  });
  for (const book of books) await expectSound(book);
});

test("Redis is frozen for longer than the deadline: unknown in time, and afterwards sends succeed", async () => {
  const book = new Bookkeeper(node, "a");
  const other = new Bookkeeper(node, "b");
  await Promise.all([book.send(), other.send()]);
  server.freeze();
  let told: readonly Told[];
  try {
    // The first one's commit is under way; the others wait for it, and were certainly not committed.
    const first = book.send();
    await new Promise((resolve) => setImmediate(resolve));
    told = await Promise.all([first, book.send(), book.send(), other.send()]);
  } finally {
    server.thaw();
  }
  expect(told[0]?.error).toMatchObject({ outcome: "unknown", retryable: true });
  for (const { error } of told) expect(error).toMatchObject({ retryable: true });
  await until("sends succeed again", async () => (await book.send()).error === null);
  await until("the other's too", async () => (await other.send()).error === null);
  await expectSound(book);
  await expectSound(other);
});

test("refused for longer than the deadline: not-committed, or unknown, in time; then all is well", async () => {
  const book = new Bookkeeper(node, "a");
  await book.send();
  line.refuse();
  const told = await Promise.all(Array.from({ length: 20 }, () => book.send()));
  for (const { error } of told) expect(error).toMatchObject({ retryable: true });
  const cold = await new Bookkeeper(node, "c").send();
  expect(cold.error).toMatchObject({ outcome: "not-committed", retryable: true });
  line.heal();
  await until("sends succeed again", async () => (await book.send()).error === null);
  await expectSound(book);
});

test("a black hole: in time, and afterwards sends succeed", async () => {
  const book = new Bookkeeper(node, "a");
  await book.send();
  line.blackhole();
  const told = await Promise.all(Array.from({ length: 20 }, () => book.send()));
  for (const { error } of told) expect(error).toMatchObject({ retryable: true });
  line.heal();
  await until("sends succeed again", async () => (await book.send()).error === null);
  await expectSound(book);
});

test("a connection that falls silent between its opening and its first reply is given up", async () => {
  const book = new Bookkeeper(node, "a");
  await book.send();
  const before = line.connections;
  line.blackhole();
  const told = book.send();
  // The commit had no answer, so its line was given up, and another one was opened: to silence.
  await until("the node opens a connection", () => line.connections > before);
  line.forget();
  expect((await told).tookMs).toBeLessThan(DEADLINE_MS + LATE_MS);
  await until("a send succeeds again", async () => (await book.send({ timeoutMs: 500 })).error === null);
  await expectSound(book);
});

test("a get during a fault is answered in time, or fails as not-committed", async () => {
  const { id } = await new Bookkeeper(node, "a").send().then(() => ({ id: newId() }));
  line.blackhole();
  const started = performance.now();
  await expect(
    node.get({ type: "ledger", id }, undefined, undefined, { timeoutMs: 300 }),
  ).rejects.toMatchObject({
    outcome: "not-committed",
    retryable: true,
  });
  expect(performance.now() - started, "its own deadline, and not the node's").toBeLessThan(DEADLINE_MS);
  line.heal();
});
