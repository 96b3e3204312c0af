// Whatever a caller gives: a PachydermError with a code and an outcome, nothing committed, others unaffected.

import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  defineEntity,
  errorTable,
  type Json,
  newId,
  Pachyderm,
  PachydermError,
  type Reference,
} from "../../src/index.ts";
import { badMessage, badValue, endless, oddObject } from "../harness/bad-values.ts";
import { RedisServer } from "../harness/redis-server.ts";

const NETWORK = "bad-input";
const MIB = 1_048_576;

/** Keeps what it was last told. */
const echo = defineEntity({
  type: "echo",
  init: (): { last: Json } => ({ last: null }),
  handle: (message: { type: string; [key: string]: unknown }) => [{ type: "echoed" as const, message }],
  update: (event: { type: "echoed"; message: unknown }) => ({ last: event.message as Json }),
  queries: { last: ({ last }: { last: Json }) => last },
});
/** Counts, and keeps nothing of what it was told. */
const sink = defineEntity({
  type: "sink",
  init: () => ({ count: 0 }),
  handle: (_: { type: string; [key: string]: unknown }) => [{ type: "sunk" as const }],
  update: (_: { type: "sunk" }, { count }) => ({ count: count + 1 }),
});

let server: RedisServer;
let node: Pachyderm;
const witness = newId();
let witnessed = 0;

beforeAll(async () => {
  server = await RedisServer.start();
  node = await Pachyderm.start({ entities: [echo, sink], redis: server.url, network: NETWORK });
});
afterAll(async () => {
  await node.stop();
  await server.stop();
});

/** Fails with an error of ours that says that nothing was committed; and another entity is served all the same. */
async function expectRefused(attempt: () => Promise<unknown>, codes: readonly string[]): Promise<void> {
  const [refused, served] = await Promise.allSettled([
    run(attempt),
    node.send(sink.ref(witness), { type: "count" }),
  ]);
  witnessed += 1;
  expect(served).toMatchObject({
    status: "fulfilled",
    value: { version: witnessed, state: { count: witnessed } },
  });
  expect(refused.status).toBe("rejected");
  const error: unknown = refused.status === "rejected" ? refused.reason : undefined;
  if (!(error instanceof PachydermError)) throw new Error("not an error of ours", { cause: error });
  expect(Object.keys(errorTable)).toContain(error.code);
  expect(codes).toContain(error.code);
  expect(error.outcome).toBe("not-committed");
}

/** What is thrown instead of a rejected promise is no answer. */
async function run(attempt: () => Promise<unknown>): Promise<unknown> {
  let promise: Promise<unknown>;
  try {
    promise = attempt();
  } catch (thrown) {
    return { threw: thrown };
  }
  return await promise;
}

/** Type checks are the callers' who have them; these are of those who have none. */
function untyped(given: unknown): never {
  return given as never;
}

async function expectOnlyWitness(): Promise<void> {
  const streams = await server.ask((redis) => redis.keys(`{${NETWORK}:*}:e:*`));
  const others = streams.filter((key) => !key.endsWith(witness) && !good.has(key.slice(-36)));
  expect(others).toEqual([]);
}

/** Entities that were sent something sound. */
const good = new Set<string>();

describe("references", () => {
  const odd = fc.oneof(
    fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withNullPrototype: true }),
    fc.uuid(),
    fc.constantFrom(
      "__proto__",
      "constructor",
      "toString",
      "echo",
      "Echo",
      "echo ",
      "",
      "ечо",
      "a".repeat(65),
    ),
    fc.uuid().map((id) => `${id}\n`),
    fc.uuid().map((id) => `{${id}}`),
    fc.uuid().map((id) => id.replaceAll("-", "")),
  );
  const strange = fc.oneof(
    odd.map((value) => () => value),
    fc.record({ type: odd, id: odd }).map((value) => () => value),
    fc.record({ type: fc.constant("echo"), id: odd }).map((value) => () => value),
    fc.record({ type: odd, id: fc.uuid() }).map((value) => () => value),
    badValue.map(({ make }) => make),
    badValue.map(({ make }) => () => ({ type: "echo", id: make() })),
    badValue.map(({ make }) => () => ({ type: make(), id: newId() })),
    fc.constant(() => Object.defineProperty({ type: "echo" }, "id", { get: () => fail() })),
  );

  test("send and get refuse what is none", async () => {
    await fc.assert(
      fc.asyncProperty(strange, fc.boolean(), async (make, isGet) => {
        const reference = make();
        fc.pre(!isSound(reference));
        const attempt = isGet
          ? () => node.get<Reference>(untyped(reference))
          : () => node.send<Reference>(untyped(reference), { type: "x" });
        await expectRefused(attempt, ["INVALID_REFERENCE", "UNKNOWN_TYPE"]);
      }),
      { numRuns: 2_500 },
    );
    await expectOnlyWitness();
  });

  function isSound(reference: unknown): boolean {
    try {
      const { type, id } = reference as { type: unknown; id: unknown };
      return type === "echo" && typeof id === "string" && /^[0-9a-f-]{36}$/i.test(id);
    } catch {
      return false;
    }
  }
});

function fail(): never {
  throw new Error("a getter of the caller's");
}

describe("messages", () => {
  test("what JSON cannot carry is refused, wherever it stands", async () => {
    await fc.assert(
      fc.asyncProperty(badMessage("told"), async ({ make }) => {
        await expectRefused(
          () => node.send(echo.ref(newId()), untyped(make())),
          ["INVALID_MESSAGE", "TOO_LARGE"],
        );
      }),
      { numRuns: 3_000 },
    );
    await expectOnlyWitness();
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  test("a list without end is refused, and not walked for ever", async () => {
    await expectRefused(
      () => node.send(echo.ref(newId()), untyped({ type: "told", list: endless() })),
      ["TOO_LARGE"],
    );
  });

  test("what has no type is refused", async () => {
    const none = fc.oneof(
      fc.string(),
      fc.double(),
      fc.boolean(),
      fc.constantFrom(null, undefined, [], {}, [{ type: "told" }]),
      oddObject.map((value) => ({ ...value, type: "" })),
      fc
        .tuple(
          oddObject,
          fc.oneof(fc.double(), fc.constant(null), fc.constant([]), fc.constant({ type: "told" })),
        )
        .map(([value, type]) => ({ ...value, type })),
    );
    await fc.assert(
      fc.asyncProperty(none, async (message) => {
        await expectRefused(() => node.send(echo.ref(newId()), untyped(message)), ["INVALID_MESSAGE"]);
      }),
      { numRuns: 1_000 },
    );
    await expectOnlyWitness();
  });

  test("odd ones that are sound are kept as they are, in memory and in the log", async () => {
    const reader = await Pachyderm.start({ entities: [echo, sink], redis: server.url, network: NETWORK });
    try {
      await fc.assert(
        fc.asyncProperty(oddObject, async (rest) => {
          const id = newId();
          good.add(id);
          const message = { ...rest, type: "told" };
          fc.pre(!reachesPrototype(message));
          const expected: unknown = JSON.parse(JSON.stringify(message));
          const { state } = await node.send(echo.ref(id), message);
          expect(state).toEqual({ last: expected });
          expect((await reader.get(echo.ref(id))).state).toEqual({ last: expected });
        }),
        { numRuns: 1_000 },
      );
    } finally {
      await reader.stop();
    }
  });

  /** `constructor: { prototype }` is refused on purpose. */
  function reachesPrototype(value: unknown): boolean {
    if (typeof value !== "object" || value === null) return false;
    return Object.entries(value).some(
      ([key, part]) =>
        reachesPrototype(part) ||
        (key === "constructor" &&
          typeof part === "object" &&
          part !== null &&
          Object.hasOwn(part, "prototype")),
    );
  }

  test.each(["x", "é", "🐘", "\n", "\ud800"])(
    "1 MiB of %j is taken, one byte more is TOO_LARGE",
    async (unit) => {
      const sizeOf = (text: string) => Buffer.byteLength(JSON.stringify({ type: "t", text }));
      const each = sizeOf(unit) - sizeOf("");
      const fitting = Math.floor((MIB - sizeOf("")) / each);
      const text = unit.repeat(fitting) + "x".repeat((MIB - sizeOf("")) % each);
      expect(sizeOf(text)).toBe(MIB);
      const id = newId();
      good.add(id);
      expect((await node.send(sink.ref(id), { type: "t", text })).version).toBe(1);
      await expectRefused(() => node.send(sink.ref(id), { type: "t", text: `${text}x` }), ["TOO_LARGE"]);
      // What does not fit as a message does not fit as an event.
      await expectRefused(() => node.send(echo.ref(newId()), { type: "t", text }), ["TOO_LARGE"]);
    },
  );

  test("changed after send() was called: it does not matter", async () => {
    await fc.assert(
      fc.asyncProperty(oddObject, async (rest) => {
        const id = newId();
        good.add(id);
        const inner: Record<string, unknown> = { kept: 1, list: [1, 2] };
        const message: { type: string; [key: string]: unknown } = {
          rest: Object.keys(rest),
          inner,
          type: "told",
        };
        const expected: unknown = JSON.parse(JSON.stringify(message));
        const sent = node.send(echo.ref(id), message);
        message.type = "other";
        message["inner"] = undefined;
        inner["list"] = [3];
        inner["kept"] = 10n;
        const { state } = await sent;
        expect(state).toEqual({ last: expected });
      }),
      { numRuns: 300 },
    );
  });

  test("frozen ones are taken, and answers are frozen", async () => {
    const id = newId();
    good.add(id);
    const { state } = await node.send(
      echo.ref(id),
      Object.freeze({ type: "told", list: Object.freeze([1]) }),
    );
    expect(Object.isFrozen(state)).toBe(true);
    expect(Object.isFrozen(state.last)).toBe(true);
  });
});

describe("options", () => {
  const notText = fc.oneof(fc.integer(), fc.boolean(), fc.constantFrom(null, {}, [], 1n, Number.NaN));
  /** Made when it is used: fast-check looks into what it is given. */
  const strange = badValue.filter(({ name }) => name !== "undefined" && name !== "function");
  const badOptions: fc.Arbitrary<() => unknown> = fc.oneof(
    fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.boolean()).map((value) => () => value),
    fc
      .constantFrom(0, -1, Number.NaN, Number.POSITIVE_INFINITY, 60_001, "5", null, {}, 1n)
      .map((timeoutMs) => () => ({ timeoutMs })),
    fc
      .constantFrom("", "k".repeat(201), "\ud800", 7, {}, [])
      .map((idempotencyKey) => () => ({ idempotencyKey })),
    fc
      .oneof(fc.string(), fc.double({ max: -0.1 }), fc.constantFrom(1.5, Number.NaN, {}, [], "p1.x", true))
      .map((expected) => () => ({ expected })),
    fc
      .oneof(fc.string(), notText, fc.constantFrom("__proto__", "constructor", "toString"))
      .filter(isNoAnswer)
      .map((answer) => () => ({ answer })),
    fc
      .constantFrom("timeoutMs", "idempotencyKey", "expected", "answer", "retry", "config")
      .map((name) => () => Object.defineProperty({}, name, { enumerable: true, get: fail })),
    fc.constant(() => new Proxy({ timeoutMs: 5 }, { get: fail })),
    strange.map(({ make }) => () => ({ answer: make() })),
    strange.map(({ make }) => () => ({ expected: make() })),
    strange.map(({ make }) => () => ({ idempotencyKey: make() })),
  );

  function isNoAnswer(answer: unknown): boolean {
    return answer !== "state" && answer !== "none" && answer !== "last" && answer !== undefined;
  }

  test("send refuses what an option cannot be", async () => {
    await fc.assert(
      fc.asyncProperty(badOptions, async (make) => {
        const attempt = () => node.send(echo.ref(newId()), { type: "told" }, untyped(make()));
        await expectRefused(attempt, ["INVALID_OPTIONS", "INVALID_CURSOR"]);
      }),
      { numRuns: 1_500 },
    );
    await expectOnlyWitness();
  });

  test("get refuses what a query, its options or its cursor cannot be", async () => {
    const gets: fc.Arbitrary<() => Promise<unknown>> = fc.oneof(
      notText
        .filter((query) => query !== undefined && typeof query !== "function")
        .map((query) => () => node.get(untyped(echo.ref(newId())), untyped(query))),
      fc
        .string()
        .filter(isNoAnswer)
        .map((query) => () => node.get(untyped(echo.ref(newId())), untyped(query))),
      fc
        .oneof(
          fc.string(),
          notText.filter((value) => value !== undefined),
        )
        .map((atLeast) => () => node.get(echo.ref(newId()), undefined, undefined, untyped({ atLeast }))),
      fc.constant(() =>
        node.get(
          echo.ref(newId()),
          undefined,
          undefined,
          untyped(new Proxy({ timeoutMs: 5 }, { get: fail })),
        ),
      ),
    );
    await fc.assert(
      fc.asyncProperty(gets, async (attempt) => {
        await expectRefused(attempt, ["INVALID_OPTIONS", "INVALID_CURSOR"]);
      }),
      { numRuns: 700 },
    );
  });

  test("a query of the caller's own that throws is HANDLER_FAILED", async () => {
    await expectRefused(() => node.get(echo.ref(newId()), () => fail()), ["HANDLER_FAILED"]);
  });

  test("start refuses what an option cannot be", async () => {
    const bad = fc.oneof(
      fc.record({
        network: fc.oneof(fc.integer(), fc.constantFrom("", "A", "a b", "{x}", "a".repeat(41), null)),
      }),
      fc.record({ partitions: fc.constantFrom(0, 1.5, "32", 1_025, null) }),
      fc.record({ entities: fc.constantFrom({}, [{}], [null], "echo", [() => {}]) }),
      fc.record({ redis: fc.constantFrom("", "127.0.0.1:6379", "http://x", 6379, null, true) }),
      fc.constantFrom(null, 5, "x", { unknown: 1 }),
    );
    await fc.assert(
      fc.asyncProperty(bad, async (options) => {
        await expectRefused(() => Pachyderm.start(untyped(options)), ["INVALID_OPTIONS"]);
      }),
      { numRuns: 200 },
    );
  });
});

describe("states", () => {
  const frozen = defineEntity({
    type: "frozen",
    init: (): { held: unknown } => ({ held: null }),
    handle: ({ kind }: { type: "hold"; kind: string }) => [{ type: "held" as const, kind }],
    // What is frozen by the program itself is looked into all the same.
    update: ({ kind }: { type: "held"; kind: string }) => ({
      held: Object.freeze({ inner: kind === "sound" ? { open: true } : heldBy(kind) }),
    }),
    snapshot: { every: 1 },
  });

  function heldBy(kind: string): unknown {
    if (kind === "bigint") return 1n;
    if (kind === "map") return new Map();
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    return Object.freeze(cycle);
  }

  test("a state that a program froze is looked into, and frozen to its last part", async () => {
    const own = await Pachyderm.start({ entities: [frozen, sink] });
    const send = (kind: string) => own.send(frozen.ref(newId()), { type: "hold", kind });
    for (const kind of ["bigint", "map", "cycle"])
      await expect(send(kind)).rejects.toMatchObject({ code: "HANDLER_FAILED", outcome: "not-committed" });
    const { held } = (await send("sound")).state;
    expect(Object.isFrozen((held as { inner: unknown }).inner)).toBe(true);
    expect((await own.send(sink.ref(newId()), { type: "count" })).version).toBe(1);
    await own.stop();
  });
});
