// What goes from node to node, as it was written when the protocol was made: a change of these forms is a change of
// PROTOCOL, for nodes of both versions meet in a rolling upgrade.

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
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

const golden = JSON.parse(
  readFileSync(new URL(`parcels-${PROTOCOL}.json`, import.meta.url), "utf8"),
) as Readonly<Record<string, Parcel>>;

const id = "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b";
const passage = { attempt: 2, hops: 1, leftMs: 4_980.5 };
const whole: Sealed = {
  reference: { type: "account", id },
  deadline: 5_980.5,
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
const bare: Sealed = {
  ...whole,
  message: undefined,
  messageId: "",
  idempotencyKey: null,
  tellUntil: null,
  hash: "",
  expected: null,
  retry: true,
  config: undefined,
  answer: "state",
  queryArgs: undefined,
  stale: true,
  destroys: false,
  repairs: false,
};
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
    send: writeQuestion(whole, passage),
    get: writeQuestion(bare, { ...passage, attempt: 1, hops: 0 }),
    expectedVersion: writeQuestion({ ...whole, expected: 3 }, passage),
    destroy: writeQuestion(ending, passage),
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
  }).toEqual(golden);
});

test("they are read as they were meant", () => {
  expect(readQuestion(golden["send"] ?? [], 1_000, 1_000)).toEqual({ sealed: whole, ...passage });
  expect(readQuestion(golden["get"] ?? [], 1_000, 1_000).sealed).toEqual(bare);
  expect(readQuestion(golden["expectedVersion"] ?? [], 0, 1_000).sealed.expected).toBe(3);
  expect(readQuestion(golden["destroy"] ?? [], 1_000, 1_000).sealed).toEqual(ending);
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
  const reply = readReply(golden["ok"] ?? []);
  expect(reply.kind === "ok" && Object.isFrozen(reply.answer.value)).toBe(true);
  const { sealed } = readQuestion(golden["send"] ?? [], 0, 1_000);
  expect(Object.isFrozen(sealed.message)).toBe(true);
});

const part = fc.oneof(fc.string(), fc.double(), fc.boolean(), fc.constant(null), fc.json());

test("any other parcel is refused by an error, and nothing of it is taken for a message", () => {
  fc.assert(
    fc.property(fc.array(part, { maxLength: 20 }), (parcel) => {
      for (const read of [() => readQuestion(parcel, 0, 1_000), () => readReply(parcel)]) {
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

test("one part that is not what it must be, anywhere in a sound one, is refused or harmless", () => {
  const sound = writeQuestion({ ...whole, reference: { type: "account", id: newId() } }, passage);
  fc.assert(
    fc.property(fc.nat(sound.length - 1), part, (at, value) => {
      const parcel = sound.map((one, i) => (i === at ? value : one));
      try {
        const { sealed, attempt, hops, leftMs } = readQuestion(parcel, 0, 1_000);
        expect(sealed.messageId, "it stands in records, between spaces").toMatch(/^[A-Za-z0-9_-]{0,64}$/);
        expect(sealed.reference.id).toMatch(/^[0-9a-f-]{36}$/);
        expect([attempt, hops, sealed.sentAt].every((n) => Number.isSafeInteger(n) && n >= 0)).toBe(true);
        expect(leftMs).toBeGreaterThanOrEqual(0);
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(Error);
      }
      expect(() => readQuestion(parcel.slice(0, at), 0, 1_000)).toThrow();
    }),
    { numRuns: 10_000 },
  );
});

test("a firing stands behind the rest of its message, and is read as it was meant", () => {
  const firing = { name: "expiry", generation: "AbC_-1z-0", dueAt: 1_764_000_000_000, lateMs: 5, missed: 2 };
  for (const every of [60_000, null]) {
    const sealed: Sealed = { ...whole, firing: { ...firing, every } };
    const parcel = writeQuestion(sealed, passage);
    const plain = writeQuestion(whole, passage);
    expect(parcel.slice(0, plain.length)).toEqual(plain);
    expect(parcel.slice(plain.length)).toEqual(["expiry", "AbC_-1z-0", 1_764_000_000_000, 5, 2, every]);
    expect(readQuestion(parcel, 1_000, 1_000).sealed).toEqual(sealed);
    for (let length = plain.length + 1; length < parcel.length; length++)
      expect(() => readQuestion(parcel.slice(0, length), 0, 1_000)).toThrow();
  }
});

test("a message that would reach a prototype, or is too large, is refused", () => {
  const sound = writeQuestion(whole, passage);
  const withMessage = (text: string) => sound.map((one, i) => (i === 2 ? text : one));
  expect(() => readQuestion(withMessage('{"type":"x","__proto__":{"admin":true}}'), 0, 1_000)).toThrow();
  expect(() => readQuestion(withMessage(`{"type":"${"x".repeat(2_000)}"}`), 0, 1_000)).toThrow();
  expect(() => readQuestion(withMessage("{"), 0, 1_000)).toThrow();
});
