// What other nodes send, whatever it is: taken, turned away or refused, and answered once; nothing throws.

import fc from "fast-check";
import { expect, test } from "vitest";
import { Catalog } from "../../src/core/catalog.ts";
import { type Json, MAX_DEPTH } from "../../src/core/json.ts";
import type { Sealed, Sender } from "../../src/engine/envelope.ts";
import { readQuestion, readReply, writeOk, writeQuestion } from "../../src/engine/parcels.ts";
import { Placement } from "../../src/engine/placement.ts";
import { Reception } from "../../src/engine/reception.ts";
import { defineEntity, newId, PachydermError } from "../../src/index.ts";
import type { Parcel } from "../../src/ports/transport.ts";
import { EngineNode } from "../harness/engine-node.ts";

const counter = defineEntity({
  type: "counter",
  init: () => ({ count: 0 }),
  handle: () => [{ type: "increased" as const }],
  update: (_, state) => ({ count: state.count + 1 }),
});
const node = new EngineNode({ entities: [counter] });
const MAX_BYTES = 10_000;

/** A list in a list in a list … */
function deep(levels: number): Json {
  let value: Json = [];
  for (let level = 1; level < levels; level++) value = [value];
  return value;
}

/** As a wire gives it: nobody else's. */
const overTheWire = (parcel: readonly unknown[]): Parcel => JSON.parse(JSON.stringify(parcel));

const part = fc.oneof(
  fc.string({ unit: "binary", maxLength: 30 }),
  fc.double(),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.jsonValue({ maxDepth: 3 }).map((value) => value as Json),
  fc.constantFrom<Json>(
    "state",
    "none",
    "?",
    "?balance",
    "counter",
    "__proto__",
    "constructor",
    "1.abc",
    { type: "add", ["__proto__"]: { polluted: true } },
    { type: "add", constructor: { prototype: { polluted: true } } },
    deep(500),
    { type: "add", text: "x".repeat(20_000) },
    { type: "add" },
    [{ a: [1, null] }],
    [],
    Number.MAX_VALUE,
    -1,
    "}:evil{",
    "x".repeat(201),
    "\ud800",
  ),
);

const sound = writeQuestion(
  node.seal(
    { type: "counter", id: newId() },
    { type: "increment" },
    { idempotencyKey: "k", config: { a: 1 } },
  ),
  { attempt: 1, hops: 0, leftMs: 5_000 },
);

const wishes = sound.at(-1) as Parcel;

const changed = (list: Parcel): fc.Arbitrary<Parcel> =>
  fc
    .tuple(fc.array(fc.tuple(fc.nat(list.length), part), { maxLength: 3 }), fc.nat(4))
    .map(([changes, cut]) => {
      const parcel: Json[] = [...list];
      for (const [at, value] of changes) parcel[at] = value;
      return (cut === 0 ? parcel.slice(0, -1) : parcel).map((value) => value ?? null);
    });

/** A question in which some parts are others, or missing, or more. */
const question: fc.Arbitrary<Parcel> = fc.oneof(
  fc.array(part, { maxLength: 12 }),
  changed(sound),
  changed(wishes).map((list) => [...sound.slice(0, -1), list]),
);

test("10,000 fuzzed questions at a reception: each is answered once, in a form that its asker can read, or taken sound", () => {
  let taken: { readonly sealed: Sealed; readonly sender: Sender }[] = [];
  const placement = new Placement({ partitions: 32, self: "me", hosts: () => true, isReachable: () => true });
  const reception = new Reception({
    placement,
    catalog: new Catalog([counter], []),
    clock: node.clock,
    meter: null,
    maxMessageBytes: MAX_BYTES,
    partitionOf: () => 0,
    effect: async (parcel) => parcel,
    take: (sealed, _, sender) => taken.push({ sealed, sender }),
  });
  let takenCount = 0;
  fc.assert(
    fc.property(question, (parcel) => {
      const answers: Parcel[] = [];
      taken = [];
      reception.receive(overTheWire(parcel), (answer) => answers.push(answer));
      for (const { sealed, sender } of taken) {
        takenCount += 1;
        expect(sealed.reference.type).toBe("counter");
        expect(sealed.deadline - node.clock.monotonicMs()).toBeLessThanOrEqual(86_400_000);
        expect(sealed.deadline).toBeGreaterThanOrEqual(node.clock.monotonicMs());
        expect(Number.isSafeInteger(sealed.sentAt) && sealed.sentAt >= 0).toBe(true);
        const { idempotencyKey: key, message } = sealed;
        expect(key === null || (key.length >= 1 && key.length <= 200 && key.isWellFormed())).toBe(true);
        for (const given of [message, sealed.config, sealed.queryArgs])
          expect(JSON.stringify(given ?? null).length).toBeLessThanOrEqual(MAX_BYTES);
        sender.reject(new PachydermError("MAILBOX_FULL", "full"), false);
      }
      expect(answers).toHaveLength(1);
      for (const answer of answers)
        expect(["error", "not-taken"]).toContain(readReply(overTheWire(answer)).kind);
    }),
    { numRuns: 10_000 },
  );
  expect(takenCount).toBeGreaterThan(500);
  expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
}, 60_000);

test("10,000 fuzzed replies: each is read, or refused with an error that the sender is told of", () => {
  const reply = writeOk(
    { version: 1, commitId: "c", handledVersion: 1, reply: { a: 1 }, duplicate: false, value: { count: 1 } },
    true,
  );
  const parcels = fc.oneof(
    fc.array(part, { maxLength: 12 }),
    fc
      .tuple(fc.constantFrom("ok", "error", "not-taken"), fc.array(part, { maxLength: 9 }))
      .map(([kind, rest]) => [kind, ...rest]),
    fc.array(fc.tuple(fc.nat(reply.length - 1), part), { minLength: 1, maxLength: 2 }).map((changes) => {
      const parcel: unknown[] = [...reply];
      for (const [at, value] of changes) parcel[at] = value;
      return parcel;
    }),
  );
  let read = 0;
  fc.assert(
    fc.property(parcels, (parcel) => {
      try {
        expect(["ok", "error", "not-taken"]).toContain(readReply(overTheWire(parcel)).kind);
        read += 1;
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(Error);
        expect((thrown as Error).name).not.toBe("AssertionError");
      }
    }),
    { numRuns: 10_000 },
  );
  expect(read).toBeGreaterThan(100);
}, 60_000);

const inWishes = (place: number, value: Json): Parcel => [
  ...sound.slice(0, -1),
  wishes.map((one, at) => (at === place ? [value] : one)),
];

test.each([
  ["a message", (value: Json) => sound.map((one, at) => (at === 2 ? value : one))],
  ["config", (value: Json) => inWishes(5, value)],
  ["the arguments of a query", (value: Json) => inWishes(6, value)],
])("%s deeper or larger than a sender may give is refused where it arrives", (_, withPart) => {
  const read = (value: Json) => readQuestion(overTheWire(withPart(value)), 0, MAX_BYTES).sealed;
  const fits = { type: "a", x: "x".repeat(100), deep: deep(MAX_DEPTH - 1) };
  expect([read(fits).message, read(fits).config, read(fits).queryArgs]).toContainEqual(fits);
  const large = { type: "a", x: "x".repeat(MAX_BYTES) };
  for (const value of [deep(MAX_DEPTH + 1), large, { type: "a", ["__proto__"]: { x: 1 } }])
    expect(() => read(value)).toThrow();
});
