// What becomes of a `tell`'s job, by what became of the message that it sent.

import { expect, test } from "vitest";
import type { EffectJob } from "../../src/core/durable.ts";
import { type ErrorCode, errorTable } from "../../src/core/errors.ts";
import { TELL_LIFE_MS, Teller, type Telling } from "../../src/engine/teller.ts";
import { newId, PachydermError } from "../../src/index.ts";
import type { Job } from "../../src/ports/jobs.ts";

const AT = 1_764_000_000_000;
const from = { type: "account", id: newId() };
const to = { type: "account", id: newId() };
const job: Job = {
  id: "commit-0",
  partition: 0,
  name: "$tell",
  data: "",
  attempt: 1,
  signal: new AbortController().signal,
};

function effect(payload: object): EffectJob {
  return {
    reference: from,
    version: 3,
    commitId: "commit",
    at: AT,
    payload: payload as never,
    config: { smtp: "x" },
  };
}

/** Runs one whose sends end in these ways, in turn. */
async function run(ends: readonly (PachydermError | null)[], payload: object = {}, now = AT) {
  const sent: Telling[] = [];
  const teller = new Teller({
    now: () => now,
    async send(telling) {
      const end = ends[sent.length] ?? null;
      sent.push(telling);
      if (end !== null) throw end;
    },
  });
  const ran = await teller.run({ job, effect: effect({ to, message: { type: "receive" }, ...payload }) });
  return { sent, ran };
}

const rejected = new PachydermError("REJECTED", "rejected: full");

test("it is sent under its job's id, for as long as its receipt will tell of it, with the sender's config", async () => {
  const { sent, ran } = await run([null], { delayMs: 1_000 });
  expect(ran).toEqual({ kind: "done" });
  const until = AT + 1_000 + TELL_LIFE_MS;
  expect(sent).toEqual([{ to, message: { type: "receive" }, key: "commit-0", until, config: { smtp: "x" } }]);
});

test("rejected: the message for that goes back to who told, under a key of its own", async () => {
  const { sent, ran } = await run([rejected, null], { onRejected: { type: "refund" } });
  expect(ran).toEqual({ kind: "done" });
  expect(sent.map((telling) => [telling.to.id, telling.message, telling.key])).toEqual([
    [to.id, { type: "receive" }, "commit-0"],
    [from.id, { type: "refund" }, "commit-0-r"],
  ]);
  expect((await run([rejected, rejected], { onRejected: { type: "refund" } })).ran).toMatchObject({
    kind: "failed",
    final: true,
  });
  const away = new PachydermError("STORE_UNAVAILABLE", "Redis is away");
  expect((await run([rejected, away], { onRejected: { type: "refund" } })).ran.kind).toBe("back");
});

/** How each error ends it. */
const ends: Partial<Record<ErrorCode, "final" | "attempt" | "back">> = {
  INVALID_REFERENCE: "final",
  INVALID_MESSAGE: "final",
  INVALID_OPTIONS: "final",
  WRONG_TYPE: "final",
  DESTROYED: "final",
  REJECTED: "final",
  KEY_REUSED: "final",
  TOO_LARGE: "final",
  UNKNOWN_TYPE: "back",
  CONFLICT: "back",
  MAILBOX_FULL: "back",
  DEADLINE_EXCEEDED: "back",
  NODE_STOPPING: "back",
  NO_OWNER: "back",
  STORE_UNAVAILABLE: "back",
  VIEW_NOT_BUILT: "back", // no message meets it; what is retryable is given back
};

test.each(Object.keys(errorTable) as ErrorCode[])("%s", async (code) => {
  const { ran } = await run([new PachydermError(code, "why", { outcome: "unknown" })]);
  const end = ran.kind === "failed" ? (ran.final ? "final" : "attempt") : ran.kind;
  expect(end).toBe(ends[code] ?? "attempt");
});

test("one that is older than its receipt may be is not sent, and neither is what cannot be read", async () => {
  const late = await run([], {}, AT + TELL_LIFE_MS + 1);
  expect([late.sent, late.ran]).toEqual([
    [],
    { kind: "failed", final: true, error: expect.stringContaining("too old") },
  ]);
  const unreadable = await run([], { to: "somebody" });
  expect([unreadable.sent, unreadable.ran]).toEqual([
    [],
    { kind: "failed", final: true, error: expect.stringContaining("cannot be read") },
  ]);
});
