// Golden files: what is in Redis, in every format that was ever written. The newest is what is written today; each can
// be read, for ever. A file is never changed: a change of the format is a new file, and a new KEY_FORMAT.

import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { formatReceipt, type Receipt } from "../../src/core/receipt.ts";
import { EFFECTS_RECORD } from "../../src/core/record.ts";
import { fingerprint } from "../../src/engine/fingerprint.ts";
import { defineEntity, Pachyderm, reject } from "../../src/index.ts";
import { systemClock } from "../../src/node/clock.ts";
import type { Commit, NewRecord, ReceiptStep } from "../../src/ports/event-store.ts";
import { KEY_FORMAT } from "../../src/redis/network-settings.ts";
import { openRedis } from "../../src/redis/open.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { putStored, type Stored, takeStored } from "../harness/stored.ts";

const folder = import.meta.dirname;
const NETWORK = "golden";
const settings = { partitions: 2, log: true, lookbackMs: 60_000 };
const A = { id: "0190f3a0-1c2d-7e4f-8a5b-6c7d8e9f0a1b", partition: 0 };
const B = { id: "ffffffff-ffff-ffff-ffff-ffffffffffff", partition: 1 };
/** Stands in the files for the time of a record. */
const AT = 1_700_000_000_000;

const golden = (format: number): Stored =>
  JSON.parse(readFileSync(join(folder, `format-${format}.json`), "utf8"));
const formats = globSync("format-*.json", { cwd: folder }).map((name) => Number(/\d+/.exec(name)?.[0]));

let server: RedisServer;
let client: Redis;

beforeAll(async () => {
  server = await RedisServer.start();
  client = new Redis(server.url);
});

beforeEach(() => client.flushall());

afterAll(async () => {
  client.disconnect();
  await server.stop();
});

const deposit = { type: "deposit", cents: 500, note: "ä\n\u2028" };
const withdraw = { type: "withdraw", cents: 9_999 };
const touch = { type: "touch" };

const account = defineEntity({
  type: "account",
  init: () => ({ cents: 0, notes: [] as readonly string[] }),
  handle: (message: { type: string; cents?: number; note?: string }) =>
    message.type === "withdraw" ? reject("overdrawn") : [],
  update: (event: { type: string; cents: number; note?: string }, state) => ({
    cents: state.cents + event.cents,
    notes: event.note === undefined ? state.notes : [...state.notes, event.note],
  }),
});

function receipt(key: string, message: typeof touch, parts: Partial<Receipt>): ReceiptStep {
  const whole: Receipt = {
    messageId: "m-1",
    hash: fingerprint(message),
    version: 0,
    outcome: "committed",
    reply: null,
    rejection: null,
    ...parts,
  };
  return { kind: "k", key, write: { value: formatReceipt(whole), ttlMs: 86_400_000 }, notAfter: null };
}

function record(messageId: string, event: unknown, reply = ""): NewRecord {
  return { messageId, event: typeof event === "string" ? event : JSON.stringify(event), reply };
}

const nothing = { type: "account", expected: { version: 0, commitId: "" }, receipts: [], snapshot: null };

/** Each in a call of its own: plain; of several records, with all that can come with them; of effects; of nothing. */
const commits: readonly Commit[] = [
  { ...nothing, key: A, commitId: "commit-1", records: [record("m-0", { type: "opened", cents: 100 })] },
  {
    ...nothing,
    key: A,
    commitId: "commit-2",
    expected: { version: 1, commitId: "commit-1" },
    records: [
      record("m-1", { type: "deposited", cents: 200 }),
      record("m-1", { type: "deposited", cents: 300, note: deposit.note }, '{"total":600}'),
    ],
    receipts: [receipt("key {1}: a", deposit, { version: 3, reply: { total: 600 } })],
    snapshot: { version: 3, schema: 1, state: '{"cents":600,"notes":["of the snapshot"]}' },
  },
  {
    ...nothing,
    key: A,
    commitId: "commit-3",
    expected: { version: 3, commitId: "commit-2" },
    records: [record("m-2", { type: "deposited", cents: 1, note: "later" })],
  },
  {
    ...nothing,
    key: B,
    commitId: "commit-4",
    records: [record("m-3", EFFECTS_RECORD)],
    receipts: [
      receipt("rejected", withdraw, {
        outcome: "rejected",
        rejection: { code: "overdrawn", detail: { by: 1 } },
      }),
      receipt("empty", touch, { outcome: "empty", reply: "nothing" }),
    ],
  },
];

async function open() {
  let calls = 0;
  const nextId = () => `call-${++calls}`;
  const options = { redis: server.url, network: NETWORK, settings, clock: systemClock, timeoutMs: 10_000 };
  return (await openRedis({ ...options, nextId })).store;
}

/** With the same time in every record, and the log's entries numbered. */
function withoutTime(stored: Stored): Stored {
  const text = JSON.stringify(stored).replace(/"1 1\d{12} /g, `"1 ${AT} `);
  let entries = 0;
  return JSON.parse(text.replace(/"1\d{12}-\d+"/g, () => `"${AT + entries++}-0"`));
}

test("what is written today is the newest golden file", async () => {
  const store = await open();
  for (const commit of commits) {
    const results = await store.commit([commit], systemClock.monotonicMs() + 5_000);
    expect(results).toMatchObject([{ kind: "committed", already: false }]);
  }
  await store.close();
  expect(Math.max(...formats)).toBe(KEY_FORMAT);
  expect(withoutTime(await takeStored(client, `{${NETWORK}:`))).toEqual(golden(KEY_FORMAT));
});

test.each(formats)("format %i: records and snapshots are read", async (format) => {
  await putStored(client, golden(format));
  const store = await open();
  const deadline = systemClock.monotonicMs() + 5_000;
  for (const key of [A, B]) {
    const own = commits.filter((commit) => commit.key === key);
    const records = own.flatMap(({ commitId, type, expected, records }) =>
      records.map((one, i) => ({ ...one, version: expected.version + 1 + i, at: AT, commitId, type })),
    );
    expect(await store.read(key, 1, 100, deadline)).toEqual({
      kind: "loaded",
      snapshot: null,
      records,
      more: false,
    });
  }
  const [loaded] = await store.load([{ key: A, schema: 1 }], deadline);
  const snapshot = { version: 3, commitId: "commit-2", state: '{"cents":600,"notes":["of the snapshot"]}' };
  expect(loaded).toMatchObject({ kind: "loaded", snapshot, records: [{ version: 3 }, { version: 4 }] });
  await store.close();
});

test.each(formats)("format %i: a node goes on from it, and knows what was handled", async (format) => {
  await putStored(client, golden(format));
  await using node = await Pachyderm.start({
    entities: [account],
    redis: server.url,
    network: NETWORK,
    ...settings,
  });
  const state = { cents: 601, notes: ["of the snapshot", "later"] };
  const place = { version: 4, cursor: `p1.${NETWORK}.${A.id}.4.commit-3` };
  expect(await node.get(account.ref(A.id))).toEqual({ state, ...place });
  expect(await node.send(account.ref(A.id), deposit, { idempotencyKey: "key {1}: a" })).toEqual({
    state,
    ...place,
    handledVersion: 3,
    reply: { total: 600 },
    duplicate: true,
  });
  const b = account.ref(B.id);
  await expect(node.send(b, withdraw, { idempotencyKey: "rejected" })).rejects.toMatchObject({
    code: "REJECTED",
    detail: { code: "overdrawn", detail: { by: 1 } },
  });
  const empty = await node.send(b, touch, { idempotencyKey: "empty" });
  expect(empty).toMatchObject({ version: 1, handledVersion: 0, reply: "nothing", duplicate: true });
  await expect(node.send(b, deposit, { idempotencyKey: "empty" })).rejects.toMatchObject({
    code: "KEY_REUSED",
  });
});

test.each(formats)("format %i: after a node has started, no node of an older format does", async (format) => {
  await putStored(client, golden(format));
  await (await open()).close();
  const settingsKey = `{${NETWORK}:meta}:settings`;
  const text = (await client.get(settingsKey)) ?? "";
  expect(JSON.parse(text)).toEqual({ format: KEY_FORMAT, ...settings });
  // What this version would say to one of a format to come.
  await client.set(settingsKey, text.replace(`"format":${KEY_FORMAT}`, `"format":${KEY_FORMAT + 1}`));
  await expect(open()).rejects.toMatchObject({ code: "CONFIG_MISMATCH" });
});
