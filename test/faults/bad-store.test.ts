// What stands in Redis is not what was written, or not ours: a PachydermError with a code and an outcome, what is there
// stays as it is, and all others are served: those that share the call, too.

import fc from "fast-check";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { partitionOf } from "../../src/core/partition.ts";
import { fingerprint } from "../../src/engine/fingerprint.ts";
import { newId, type Pachyderm, PachydermError } from "../../src/index.ts";
import { KeySpace } from "../../src/redis/keys.ts";
import { startNode } from "../harness/bookkeeper.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { ledger } from "../programs/ledger.ts";

const NETWORK = "bad-store";
const PARTITIONS = 32;
const space = new KeySpace(NETWORK, PARTITIONS);
let server: RedisServer;
let node: Pachyderm;
const witness = newId();
let witnessed = 0;

beforeAll(async () => {
  server = await RedisServer.start();
  node = await startNode(server.url, NETWORK, { timeoutMs: 3_000 });
  node.on("log-diverged", () => {}); // as it must be where records were put in place of others
});
afterAll(async () => {
  await node.stop();
  await server.stop();
});

const keyOf = (id: string) => ({ id, partition: partitionOf(id, PARTITIONS) });

/** What is no error of ours, or says that it is not known what became of the message, fails the test. */
const STORED = ["UNREADABLE_EVENT", "WRONG_TYPE", "HANDLER_FAILED", "KEY_REUSED", "REJECTED"];

type Ended = { readonly value: unknown } | { readonly error: PachydermError };

/** Sends, beside the witness. */
async function attempt(run: () => Promise<unknown>): Promise<Ended> {
  const op = `w:${witnessed++}`;
  const served = node.send(ledger.ref(witness), { type: "add", op });
  const ended = await run().then(
    (value): Ended => ({ value }),
    (thrown: unknown): Ended => {
      if (!(thrown instanceof PachydermError)) throw new Error("not an error of ours", { cause: thrown });
      expect(STORED).toContain(thrown.code);
      return { error: thrown };
    },
  );
  expect((await served).version).toBe(witnessed);
  return ended;
}

const odd = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.constantFrom(
    "",
    " ",
    "\n",
    "1",
    "{}",
    "null",
    "[]",
    '{"type":"added"}',
    '{"__proto__":{"x":1},"type":"added"}',
  ),
);
const commitId = fc.constantFrom("c", "c-1", "", "c c", "a".repeat(65), "é");

/** A record's text, sound but for some of its parts. */
const recordText = fc
  .record({
    version: fc.constantFrom("1", "1", "1", "2", "", "x"),
    at: fc.constantFrom("1790000000000", "1790000000000", "0", "now", "17900000000000"),
    commit: fc.oneof(fc.constant("c-1"), commitId),
    message: fc.oneof(fc.constant("m-1"), commitId),
    type: fc.oneof(fc.constant("ledger"), fc.constantFrom("other", "", "__proto__", "constructor", "l l")),
    event: fc.oneof(
      fc.constantFrom(
        '{"type":"added","op":"x:1"}',
        '{"type":"added"}',
        '{"type":"added","op":7}',
        '{"type":"$odd"}',
      ),
      fc.constantFrom('{"type":"added","op":"x:1"', '{"type":""}', "null", '"added"', "[1]"),
      odd,
    ),
    rest: fc.oneof(
      fc.constant(""),
      odd.map((text) => `\n${text}`),
    ),
  })
  .map(({ version, at, commit, message, type, event, rest }) => {
    return `${version} ${at} ${commit} ${message} ${type}\n${event}${rest}`;
  });

const entry = fc.record({
  id: fc.oneof(
    fc.constant("1-0"),
    fc.constantFrom("2-0", "0-1", "1-1", "9007199254740993-0", "18446744073709551615-0"),
  ),
  field: fc.oneof(fc.constant("r"), fc.string({ minLength: 1, maxLength: 3 })),
  text: fc.oneof(recordText, recordText, odd),
  more: fc.oneof(fc.constant([]), fc.constant([]), fc.constant(["x", "y"])),
});

type Put = (redis: Redis, key: string) => Promise<unknown>;
/** Something of another type than what belongs there. */
const otherType: fc.Arbitrary<Put> = fc.constantFrom<Put[]>(
  (redis, key) => redis.set(key, "text"),
  (redis, key) => redis.lpush(key, "item"),
  (redis, key) => redis.sadd(key, "member"),
  (redis, key) => redis.zadd(key, 1, "member"),
);
const records: fc.Arbitrary<Put> = fc
  .array(entry, { minLength: 1, maxLength: 4 })
  .map((entries) => async (redis, key) => {
    for (const { id, field, text, more } of entries)
      await redis.xadd(key, id, field, text, ...more).catch(() => {}); // an id that does not rise is not put there
  });
const emptied: Put = async (redis, key) => {
  await redis.xadd(key, "7-0", "r", "x");
  await redis.xtrim(key, "MAXLEN", 0);
};

test("records: corrupt ones, foreign entries, other types", async () => {
  const put = fc.oneof(
    { weight: 8, arbitrary: records },
    { weight: 1, arbitrary: otherType },
    { weight: 1, arbitrary: fc.constant(emptied) },
    { weight: 1, arbitrary: fc.constant<Put>((redis, key) => redis.hset(key, "a", "b")) },
  );
  await server.ask((redis) =>
    fc.assert(
      fc.asyncProperty(put, fc.boolean(), async (write, isGet) => {
        const id = newId();
        const key = space.stream(keyOf(id));
        await write(redis, key);
        const before = await redis.dump(key);
        const run = isGet
          ? () => node.get(ledger.ref(id))
          : () => node.send(ledger.ref(id), { type: "add", op: "x:2" }, { idempotencyKey: "k" });
        const ended = await attempt(run);
        if ("value" in ended) return; // what was put there could be read
        expect(ended.error.outcome).toBe("not-committed");
        expect(await redis.dump(key)).toEqual(before);
      }),
      { numRuns: 1_500 },
    ),
  );
});

test("records that spoil under a warm worker", async () => {
  await server.ask((redis) =>
    fc.assert(
      fc.asyncProperty(fc.oneof(records, otherType), async (write) => {
        const id = newId();
        const key = space.stream(keyOf(id));
        await node.send(ledger.ref(id), { type: "add", op: "x:1" });
        await redis.del(key);
        await write(redis, key);
        const before = await redis.dump(key);
        const ended = await attempt(() => node.send(ledger.ref(id), { type: "add", op: "x:2" }));
        if ("error" in ended) expect(await redis.dump(key)).toEqual(before);
      }),
      { numRuns: 300 },
    ),
  );
});

test("snapshots: one that cannot be read is no loss", async () => {
  const sound = { version: "2", commit: "c-2", schema: "1", state: '{"count":2,"digest":0}' };
  const part = fc.constantFrom(...Object.keys(sound));
  const broken = fc.tuple(
    part,
    fc.oneof(odd, fc.constantFrom("-1", "1.5", "99999999999999999999", "3", "0", "abc")),
  );
  await server.ask((redis) =>
    fc.assert(
      fc.asyncProperty(broken, async ([name, text]) => {
        // A state that is JSON, but not this one, cannot be told from a sound one.
        fc.pre(name !== "state" || !isJson(text));
        const id = newId();
        const stream = space.stream(keyOf(id));
        for (const n of [1, 2, 3])
          await redis.xadd(
            stream,
            `${n}-0`,
            "r",
            `1 1790000000000 c-${n} m-${n} ledger\n{"type":"added","op":"x:${n}"}`,
          );
        await redis.hset(space.snapshot(keyOf(id)), { ...sound, [name]: text });
        fc.pre({ ...sound, [name]: text }[name as keyof typeof sound] !== sound[name as keyof typeof sound]);
        const ended = await attempt(() => node.get(ledger.ref(id)));
        expect(ended).toMatchObject({ value: { version: 3, state: { count: 3 } } });
      }),
      { numRuns: 400 },
    ),
  );
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

test("receipts: corrupt ones, of another type, of another message", async () => {
  const message = { type: "add", op: "x:1" } as const;
  const receipt = fc
    .record(
      {
        outcome: fc.oneof(
          fc.constantFrom("committed", "empty", "rejected", "failed"),
          fc.string(),
          fc.constant(1),
        ),
        messageId: fc.oneof(fc.constant("m"), fc.integer()),
        version: fc.oneof(fc.nat(), fc.string(), fc.constant(null), fc.double()),
        reply: fc.oneof(fc.constant(null), fc.jsonValue()),
        hash: fc.oneof(fc.constant(fingerprint(message)), fc.string()),
        rejection: fc.oneof(fc.constant(null), fc.constant({ code: "c", detail: null }), fc.jsonValue()),
      },
      { requiredKeys: [] },
    )
    .map((value) => JSON.stringify(value));
  const text = fc
    .oneof(receipt, receipt, odd)
    .chain((body) => fc.constantFrom(`1 c-1 ${body}`, `1 c-1 ${body}`, body));
  const put = fc.oneof(
    {
      weight: 9,
      arbitrary: text.map(
        (value): Put =>
          (redis, key) =>
            redis.set(key, value),
      ),
    },
    { weight: 1, arbitrary: fc.constant<Put>((redis, key) => redis.lpush(key, "x")) },
  );
  await server.ask((redis) =>
    fc.assert(
      fc.asyncProperty(put, async (write) => {
        const id = newId();
        await write(redis, space.receipt(keyOf(id), { kind: "k", key: "the-key" }));
        await attempt(() => node.send(ledger.ref(id), message, { idempotencyKey: "the-key" }));
        // Whatever the receipt says, this message was handled before, or must not be now.
        expect(await redis.exists(space.stream(keyOf(id)))).toBe(0);
      }),
      { numRuns: 800 },
    ),
  );
});
