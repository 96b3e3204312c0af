// Two processes that know nothing of each other send to one entity at once. Nothing but the log's comparison keeps
// them apart: promises 1 to 4 of docs/guarantees.md.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newId } from "../../src/index.ts";
import { checkLedger, readLedger } from "../harness/ledger-log.ts";
import type { LoggedRecord } from "../harness/log-checker.ts";
import { Program } from "../harness/program.ts";
import { RedisServer } from "../harness/redis-server.ts";
import type { Added } from "../programs/ledger.ts";
import type { WriterLine, WriterOrder } from "../programs/writer.ts";

const NETWORK = "two-writers";
const MESSAGES = 10_000;
const TIMEOUT_MS = 50_000;
let server: RedisServer;

beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

/** What one effect wrote: its operation, the version it came with, its id. */
type Note = readonly [op: string, version: string, effectId: string];

async function race(
  retry: boolean,
  inFlight: number,
): Promise<{
  readonly records: LoggedRecord<Added>[];
  readonly lines: readonly WriterLine[];
  readonly notes: readonly Note[];
}> {
  const id = newId();
  const notes = join(server.folder, `notes-${id}`);
  const writers = ["left", "right"].map((sender) => {
    const order: WriterOrder = {
      redis: server.url,
      network: NETWORK,
      id,
      sender,
      messages: MESSAGES,
      inFlight,
      retry,
      timeoutMs: TIMEOUT_MS,
      noteEvery: 7,
      config: { notes },
    };
    return new Program("writer", order);
  });
  await Promise.all(writers.map((writer) => writer.prints("ready")));
  for (const writer of writers) writer.say("go");
  const endings = await Promise.all(writers.map((writer) => writer.ended(TIMEOUT_MS + 10_000)));
  for (const { code, stderr } of endings) expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const lines = endings.flatMap(({ stdout }) => {
    return stdout
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as WriterLine);
  });
  const written = readFileSync(notes, "utf8").trimEnd().split("\n");
  return {
    records: await server.ask((redis) => readLedger(redis, NETWORK, id)),
    lines,
    notes: written.map((line) => line.split(" ") as [string, string, string]),
  };
}

/** Once for each committed event that carries one, with its version; none for a lost attempt. */
function expectNotesOf(records: readonly LoggedRecord<Added>[], notes: readonly Note[]): void {
  const due = records.filter(({ event }) => event.note).map(({ op, version }) => `${op} ${version}`);
  expect(notes.map(([op, version]) => `${op} ${version}`).sort()).toEqual(due.sort());
  expect(new Set(notes.map(([, , effectId]) => effectId)).size).toBe(notes.length);
}

/** All of them at once make long batches and few conflicts; few at a time the other way round. */
const AT_ONCE = [MESSAGES, 16];

test.each(AT_ONCE)(
  "10,000 messages from each of two, %i in flight: 20,000 versions without gap, every answer right",
  async (inFlight) => {
    const { records, lines, notes } = await race(true, inFlight);
    expect(lines.filter(({ outcome }) => outcome !== "answered")).toEqual([]);
    expect(lines).toHaveLength(2 * MESSAGES);
    expect(records).toHaveLength(2 * MESSAGES);
    expect(checkLedger(records, lines)).toEqual([]);
    expectNotesOf(records, notes);
    // It was a race. With all at once a few long batches decide it: who loses the first pauses, and may come to write only
    // when the other is done; a few at a time must take turns.
    expect(turnsTaken(records)).toBeGreaterThan(inFlight === MESSAGES ? 1 : 2);
  },
  90_000,
);

test.each(AT_ONCE)(
  "retry: false, %i in flight: each error is CONFLICT, and the log holds exactly what was answered",
  async (inFlight) => {
    const { records, lines, notes } = await race(false, inFlight);
    const failed = lines.filter(({ outcome }) => outcome !== "answered");
    expect(failed.filter(({ code, outcome }) => code !== "CONFLICT" || outcome !== "not-committed")).toEqual(
      [],
    );
    expect(failed.length).toBeGreaterThan(0);
    expect(records.map(({ op }) => op).sort()).toEqual(
      lines
        .filter(({ outcome }) => outcome === "answered")
        .map(({ op }) => op)
        .sort(),
    );
    expect(checkLedger(records, lines)).toEqual([]);
    expectNotesOf(records, notes);
  },
  90_000,
);

/** How often the log goes from one sender's records to the other's. */
function turnsTaken(records: readonly LoggedRecord<Added>[]): number {
  let turns = 0;
  let last = "";
  for (const { op } of records) {
    const sender = op.slice(0, op.indexOf(":"));
    if (sender !== last) turns += 1;
    last = sender;
  }
  return turns;
}
