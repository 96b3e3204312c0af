// Random walks: two nodes on one log, faults at random, and what must hold whatever happened.

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import type { StoredRecord } from "../../src/core/record.ts";
import type { Answer } from "../../src/engine/envelope.ts";
import { newId, type PachydermError, type Reference, type SendOptions } from "../../src/index.ts";
import type { CommitResult } from "../../src/ports/event-store.ts";
import { EngineNode, turns } from "../harness/engine-node.ts";
import { type JournalMessage, kinds, makeJournal, type Told } from "../harness/journal.ts";

const answers: readonly CommitResult[] = [
  { kind: "unavailable", reason: "walk" },
  { kind: "unknown", reason: "walk" },
  { kind: "reload" },
  { kind: "diverged" },
  { kind: "refused", reason: "walk" },
  { kind: "conflict", missed: [] },
];

const entity = fc.nat(2);
const node = fc.nat(1);
const step = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant("send" as const),
      node,
      entity,
      kind: fc.constantFrom(...kinds),
      key: fc.oneof({ weight: 2, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.nat(3) }),
      retry: fc.boolean(),
      expected: fc.oneof({ weight: 6, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.nat(6) }),
      timeoutMs: fc.constantFrom(50, 5_000, 5_000),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("get" as const), node, entity, stale: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("wait" as const), turns: fc.nat(4) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("hold" as const), node }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("release" as const), node }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("answer" as const), node, with: fc.constantFrom(...answers) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom("lose", "delay", "throw", "land", "fail-load"), node }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("hold-loads", "release-loads"), node }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("pass" as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

interface Sent {
  readonly reference: Reference;
  readonly message: JournalMessage | null;
  readonly key: string | null;
  readonly stale: boolean;
  readonly outcome: Promise<Answer | PachydermError>;
}

class Walk {
  readonly told: (Told & { effectId: string })[] = [];
  readonly sent: Sent[] = [];
  readonly nodes: readonly [EngineNode, EngineNode];
  readonly references: readonly Reference[];
  #tag = 0;

  constructor() {
    const { journal, tell } = makeJournal(this.told);
    // Two fit in memory and eight in a mailbox, so that both bounds are met.
    const options = { entities: [journal], effects: [tell], resident: 2, mailbox: 8 };
    const first = new EngineNode(options);
    this.nodes = [first, new EngineNode({ ...options, log: first.log, clock: first.clock })];
    for (const { signals } of this.nodes) signals.on("log-diverged", () => {});
    this.references = [journal.ref(newId()), journal.ref(newId()), journal.ref(newId())];
  }

  async take(one: Step): Promise<void> {
    if (one.do === "pass") return this.#pass();
    if (one.do === "wait") return await turns(one.turns);
    const at = this.nodes[one.node === 0 ? 0 : 1];
    switch (one.do) {
      case "send":
        return this.#send(at, one);
      case "get": {
        const reference = this.#reference(one.entity);
        const outcome = settled(at.get(reference, { stale: one.stale }));
        this.sent.push({ reference, message: null, key: null, stale: one.stale, outcome });
        return;
      }
      case "hold":
        return at.store.hold();
      case "release":
        return at.store.release();
      case "hold-loads":
        return at.store.holdLoads();
      case "release-loads":
        return at.store.releaseLoads();
      case "answer":
        return at.store.answerNext(one.with);
      case "lose":
        return at.store.loseNextReply();
      case "delay":
        return at.store.delayNext();
      case "throw":
        return at.store.throwNext();
      case "fail-load":
        return at.store.failNextLoad({ kind: "unavailable", reason: "walk" });
      case "land":
        await at.store.landLate();
    }
  }

  /** Without faults from here on; every promise has to settle. */
  async end(): Promise<void> {
    for (const { store } of this.nodes) store.heal();
    const timer = Promise.withResolvers<"late">();
    const guard = setTimeout(() => timer.resolve("late"), 20_000);
    const all = Promise.all(this.sent.map(({ outcome }) => outcome));
    expect(await Promise.race([all, timer.promise]), "every promise settles").not.toBe("late");
    clearTimeout(guard);
    for (const { store } of this.nodes) await store.landLate();
    await turns(2);
    for (const { engine } of this.nodes) await engine.stop(1_000);
  }

  #send(
    at: EngineNode,
    { kind, key, retry, expected, timeoutMs, entity }: Extract<Step, { do: "send" }>,
  ): void {
    const reference = this.#reference(entity);
    // One key always comes with one message: its tag and kind follow from the key.
    const keyed = key === null ? null : (kinds[key % kinds.length] ?? kind);
    const tag = key === null ? ++this.#tag : 10_000 + key;
    const message: JournalMessage = { type: keyed ?? kind, tag };
    const idempotencyKey = key === null ? null : `key-${key}`;
    const options: SendOptions = {
      retry,
      timeoutMs,
      ...(expected === null ? {} : { expected }),
      ...(idempotencyKey === null ? {} : { idempotencyKey }),
    };
    const outcome = settled(at.send(reference, message, options));
    this.sent.push({ reference, message, key: idempotencyKey, stale: false, outcome });
  }

  #reference(at: number): Reference {
    return this.references[at] ?? { type: "journal", id: "" };
  }

  #pass(): void {
    this.nodes[0].clock.pass(60);
    vi.advanceTimersByTime(20);
  }
}

function settled(promise: Promise<Answer>): Promise<Answer | PachydermError> {
  return promise.catch((thrown: unknown) => thrown as PachydermError);
}

/** The tags that a log of records says were added. */
function fold(records: readonly StoredRecord[]): { tags: number[] } {
  const events = records.map(({ event }) => JSON.parse(event) as { type: string; tag: number });
  return { tags: events.filter(({ type }) => type === "added").map(({ tag }) => tag) };
}

/** How often the message is in the log: by its tag, or for effects alone by what was told. */
const countOf = (tag: number, tags: readonly number[]) => tags.filter((one) => one === tag).length;
const appends = ({ type }: JournalMessage) => type === "add" || type === "add-two" || type === "add-effect";
const tells = ({ type }: JournalMessage) => type === "effect" || type === "add-effect";

/** What came of all messages of all walks: a run in which something never happens shows nothing of it. */
const tally = new Map<string, number>();

function count(outcome: Answer | PachydermError): void {
  const what =
    outcome instanceof Error
      ? `${outcome.code} ${outcome.outcome}`
      : outcome.duplicate
        ? "duplicate"
        : "answered";
  tally.set(what, (tally.get(what) ?? 0) + 1);
}

async function check(walk: Walk): Promise<void> {
  strictEqual(
    new Set(walk.told.map(({ effectId }) => effectId)).size,
    walk.told.length,
    "an effect ran twice",
  );
  for (const reference of walk.references) {
    const records = await walk.nodes[0].records(reference);
    deepStrictEqual(
      records.map(({ version }) => version),
      records.map((_, i) => i + 1),
    );
    const { tags } = fold(records);
    strictEqual(new Set(tags).size, tags.length, `a message is in the log twice: ${tags}`);
    const here = walk.sent.filter((sent) => sent.reference === reference);
    const messageIds = new Set(records.map(({ messageId }) => messageId));
    for (const sent of here) await checkOne(sent, here, records, tags, walk.told, messageIds);
  }
}

async function checkOne(
  sent: Sent,
  all: readonly Sent[],
  records: readonly StoredRecord[],
  tags: readonly number[],
  told: readonly Told[],
  messageIds: ReadonlySet<string>,
): Promise<void> {
  const outcome = await sent.outcome;
  const { message } = sent;
  count(outcome);
  if (outcome instanceof Error) {
    checkError(outcome, records);
    if (message !== null && sent.key === null && outcome.outcome === "not-committed") {
      strictEqual(countOf(message.tag, tags), 0, `not-committed (${outcome.code}) is in the log`);
      strictEqual(told.filter(({ tag }) => tag === message.tag).length, 0, "told of what was not committed");
    }
    return;
  }
  deepStrictEqual(
    outcome.value,
    fold(records.slice(0, outcome.version)),
    "the state is not the fold at its version",
  );
  if (outcome.version > 0 && !sent.stale)
    strictEqual(records[outcome.version - 1]?.commitId, outcome.commitId);
  if (message === null) return;
  if (appends(message)) strictEqual(countOf(message.tag, tags), 1, "acknowledged, and not once in the log");
  if (message.type === "add") strictEqual(outcome.reply, message.tag);
  const mine = told.filter(({ tag, messageId }) => tag === message.tag && messageIds.has(messageId));
  if (tells(message) && sent.key === null) strictEqual(mine.length, 1, "acknowledged, and not told once");
  if (sent.key !== null) await checkKey(sent, all);
}

/** Of all answers under one key, at most one is of the message that was handled, and all agree. */
async function checkKey({ key }: Sent, all: readonly Sent[]): Promise<void> {
  const outcomes = await Promise.all(all.filter((sent) => sent.key === key).map(({ outcome }) => outcome));
  const answered = outcomes.filter((outcome) => !(outcome instanceof Error)) as Answer[];
  ok(answered.filter(({ duplicate }) => !duplicate).length <= 1, "two first answers under one key");
  strictEqual(new Set(answered.map(({ handledVersion }) => handledVersion)).size, 1);
}

function checkError(error: PachydermError, records: readonly StoredRecord[]): void {
  ok(error.code in expectedCodes, `${error.code}: ${error.message}`);
  if (error.code !== "REJECTED") return;
  const { detail } = error.detail as { detail: { version: number; count: number } };
  strictEqual(
    fold(records.slice(0, detail.version)).tags.length,
    detail.count,
    "rejected on a state that never was",
  );
}

const expectedCodes = {
  REJECTED: 1,
  HANDLER_FAILED: 1,
  CONFLICT: 1,
  EXPECTED_MISMATCH: 1,
  MAILBOX_FULL: 1,
  DEADLINE_EXCEEDED: 1,
  STORE_UNAVAILABLE: 1,
  UNREADABLE_EVENT: 1, // what a refused commit is called
};

/** What so many walks must have met. */
const happens = [
  "answered",
  "duplicate",
  "CONFLICT not-committed",
  "EXPECTED_MISMATCH not-committed",
  "MAILBOX_FULL not-committed",
  "DEADLINE_EXCEEDED not-committed",
  "DEADLINE_EXCEEDED unknown",
  "STORE_UNAVAILABLE not-committed",
  "STORE_UNAVAILABLE unknown",
];

const RUNS = Number(process.env["WALKS"] ?? 3_000);
const SEED = Number(process.env["WALK_SEED"] ?? Date.now() % 2 ** 31);

test(`${RUNS} random walks from seed ${SEED}`, { timeout: 120_000 }, async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  console.log(`walks: WALK_SEED=${SEED}`);
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60, size: "max" }), async (steps) => {
        const walk = new Walk();
        for (const one of steps) await walk.take(one);
        await walk.end();
        await check(walk);
      }),
      { numRuns: RUNS, seed: SEED },
    );
    console.log(Object.fromEntries(tally));
    for (const what of happens) expect(tally.get(what) ?? 0, what).toBeGreaterThan(0);
  } finally {
    vi.useRealTimers();
  }
});
