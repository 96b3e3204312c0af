// What goes from node to node, as it was written when the protocol was made: a change of these forms is a change of
// PROTOCOL, for nodes of both versions meet in a rolling upgrade, and must refuse each other and not misread.

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Json } from "../../src/core/json.ts";
import type { Answer, Sealed } from "../../src/engine/envelope.ts";
import {
  LET_GO,
  PROTOCOL,
  readQuestion,
  readReply,
  writeError,
  writeNotTaken,
  writeOk,
  writeQuestion,
} from "../../src/engine/parcels.ts";
import { newId, PachydermError } from "../../src/index.ts";
import type { Parcel } from "../../src/ports/transport.ts";

const text = readFileSync(new URL(`parcels-${PROTOCOL}.json`, import.meta.url), "utf8");
/** As a wire gives it: nobody else's. What is the user's in it is frozen by whoever reads it. */
const came = (): Readonly<Record<string, Parcel>> => JSON.parse(text);
const overTheWire = (parcel: unknown): Parcel => JSON.parse(JSON.stringify(parcel));

const id = "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b";
const passage = { attempt: 2, hops: 1, leftMs: 4_981 };
const whole: Sealed = {
  reference: { type: "account", id },
  deadline: 5_981,
  sentAt: 1_764_000_000_123,
  message: { type: "deposit", amount: 5, note: "päckchen\n🐘" },
  messageId: "AbC_def-1z",
  idempotencyKey: "key {1}",
  tellUntil: 1_764_604_800_123,
  hash: "3t6vHxnmKI2Bam1xqNRCBq",
  expected: { id, version: 7, commitId: "AbC_def-1y" },
  retry: false,
  config: { smtp: "mail" },
  answer: { query: "balance" },
  queryArgs: [1, null],
  stale: false,
  firing: null,
  destroys: false,
  repairs: false,
};
/** As most sends are: nothing is asked for but the state. */
const plain: Sealed = {
  ...whole,
  idempotencyKey: null,
  tellUntil: null,
  hash: "",
  expected: null,
  retry: true,
  config: undefined,
  answer: "state",
  queryArgs: undefined,
};
const firing = { name: "expiry", generation: "AbC_-1z-0", dueAt: 1_764_000_000_000, lateMs: 5, missed: 2 };
const fired: Sealed = { ...plain, answer: "none", firing: { ...firing, every: 60_000 } };
const bare: Sealed = { ...plain, message: undefined, messageId: "", stale: true };
const ending: Sealed = {
  ...bare,
  message: { type: "$destroy" },
  messageId: whole.messageId,
  answer: "none",
  stale: false,
  destroys: true,
};
const answer: Answer = {
  version: 8,
  commitId: "AbC_def-20",
  handledVersion: 7,
  reply: { receipt: 1 },
  duplicate: true,
  value: { balance: 12.5, open: true },
};

test("questions and answers are written as they always were", () => {
  expect({
    plain: writeQuestion(plain, passage),
    send: writeQuestion(whole, passage),
    get: writeQuestion(bare, { ...passage, attempt: 1, hops: 0 }),
    expectedVersion: writeQuestion({ ...whole, expected: 3 }, passage),
    destroy: writeQuestion(ending, passage),
    fire: writeQuestion(fired, passage),
    fireOnce: writeQuestion({ ...fired, firing: { ...firing, every: null } }, passage),
    ok: writeOk(answer, true),
    okWithoutValue: writeOk({ ...answer, reply: null, value: undefined }, false),
    error: writeError(
      new PachydermError("REJECTED", "rejected: overdrawn", { detail: { code: "overdrawn", detail: null } }),
      true,
    ),
    unknown: writeError(new PachydermError("STORE_UNAVAILABLE", "no answer", { outcome: "unknown" }), false),
    moved: writeNotTaken("moved", "AbC_def"),
    stopping: writeNotTaken("stopping", null),
    letGo: LET_GO,
  }).toEqual(came());
});

test("they are read as they were meant", () => {
  const golden = came();
  expect(readQuestion(golden["plain"] ?? [], 1_000, 1_000)).toEqual({ sealed: plain, ...passage });
  expect(readQuestion(golden["send"] ?? [], 1_000, 1_000)).toEqual({ sealed: whole, ...passage });
  expect(readQuestion(golden["get"] ?? [], 1_000, 1_000).sealed).toEqual(bare);
  expect(readQuestion(golden["expectedVersion"] ?? [], 0, 1_000).sealed.expected).toBe(3);
  expect(readQuestion(golden["destroy"] ?? [], 1_000, 1_000).sealed).toEqual(ending);
  expect(readQuestion(golden["fire"] ?? [], 1_000, 1_000).sealed).toEqual(fired);
  expect(readQuestion(golden["fireOnce"] ?? [], 1_000, 1_000).sealed.firing?.every).toBeNull();
  expect(readReply(golden["ok"] ?? [])).toEqual({ kind: "ok", answer, recorded: true });
  expect(readReply(golden["okWithoutValue"] ?? [])).toMatchObject({
    answer: { reply: null, value: undefined },
    recorded: false,
  });
  expect(readReply(golden["error"] ?? [])).toMatchObject({
    kind: "error",
    error: { code: "REJECTED", outcome: "not-committed", detail: { code: "overdrawn", detail: null } },
    recorded: true,
  });
  expect(readReply(golden["unknown"] ?? [])).toMatchObject({
    error: { outcome: "unknown" },
    recorded: false,
  });
  expect(readReply(golden["moved"] ?? [])).toEqual({ kind: "not-taken", why: "moved", to: "AbC_def" });
  expect(readReply(golden["stopping"] ?? [])).toEqual({ kind: "not-taken", why: "stopping", to: null });
  expect(readReply(golden["letGo"] ?? [])).toEqual({ kind: "let-go" });
});

test("what comes from a node is as frozen as what comes from here", () => {
  const golden = came();
  const reply = readReply(golden["ok"] ?? []);
  expect(reply.kind === "ok" && Object.isFrozen(reply.answer.value)).toBe(true);
  expect(reply.kind === "ok" && Object.isFrozen(reply.answer.reply)).toBe(true);
  const { sealed } = readQuestion(golden["send"] ?? [], 0, 1_000);
  for (const given of [sealed.message, sealed.config, sealed.queryArgs])
    expect(Object.isFrozen(given)).toBe(true);
});

const part = fc.oneof(fc.string(), fc.double(), fc.jsonValue({ maxDepth: 2 })).map((value) => value as Json);

test("any other parcel is refused by an error, and nothing of it is taken for a message", () => {
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), (parcel) => {
      for (const read of [
        () => readQuestion(overTheWire(parcel), 0, 1_000),
        () => readReply(overTheWire(parcel)),
      ]) {
        try {
          read();
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(Error);
        }
      }
    }),
    { numRuns: 10_000 },
  );
});

/** The place of what a message asks for beside being handled, in a list of its own. */
const WISHES = 8;

test("one part that is not what it must be, anywhere in a sound one, is refused or harmless", () => {
  const sound = writeQuestion({ ...whole, reference: { type: "account", id: newId() } }, passage);
  const wishes = sound[WISHES] as Parcel;
  const places = fc.nat(sound.length + wishes.length - 1);
  fc.assert(
    fc.property(places, part, (at, value) => {
      const put = (list: Parcel, place: number): Parcel => list.map((one, i) => (i === place ? value : one));
      const inside = at - sound.length;
      const parcel = inside < 0 ? put(sound, at) : [...sound.slice(0, WISHES), put(wishes, inside)];
      try {
        const { sealed, attempt, hops, leftMs } = readQuestion(overTheWire(parcel), 0, 1_000);
        expect(sealed.messageId, "it stands in records, between spaces").toMatch(/^[A-Za-z0-9_-]{0,64}$/);
        expect(sealed.reference.id).toMatch(/^[0-9a-f-]{36}$/);
        expect([attempt, hops, sealed.sentAt].every((n) => Number.isSafeInteger(n) && n >= 0)).toBe(true);
        expect(leftMs).toBeGreaterThanOrEqual(0);
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(Error);
      }
      const short = inside < 0 ? sound.slice(0, at) : [...sound.slice(0, WISHES), wishes.slice(0, inside)];
      expect(() => readQuestion(overTheWire(short), 0, 1_000)).toThrow();
    }),
    { numRuns: 10_000 },
  );
});

test("a firing that is not whole is refused", () => {
  const sound = writeQuestion(fired, passage);
  const wishes = sound[WISHES] as Parcel;
  const whereFired = wishes.length - 1;
  for (let length = 0; length < 6; length++) {
    const short = [...wishes.slice(0, whereFired), (wishes[whereFired] as Parcel).slice(0, length)];
    expect(() => readQuestion(overTheWire([...sound.slice(0, WISHES), short]), 0, 1_000)).toThrow();
  }
});

test("a message that would reach a prototype, or is too large, is refused", () => {
  const sound = writeQuestion(plain, passage);
  const withMessage = (message: string): Parcel =>
    JSON.parse(JSON.stringify(sound.map((one, i) => (i === 2 ? "here" : one))).replace('"here"', message));
  expect(readQuestion(withMessage('{"type":"x"}'), 0, 1_000).sealed.message).toEqual({ type: "x" });
  for (const message of [
    '{"type":"x","__proto__":{"admin":true}}',
    '{"type":"x","constructor":{"prototype":{"admin":true}}}',
    `{"type":"${"x".repeat(2_000)}"}`,
    `{"type":"x","deep":${"[".repeat(100_000)}${"]".repeat(100_000)}}`,
    '{"type":"x","n":1e999}',
    '{"type":"x","n":-0}',
  ])
    expect(() => readQuestion(withMessage(message), 0, 1_000), message).toThrow();
});
