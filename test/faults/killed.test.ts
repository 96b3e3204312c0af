// The process is killed at random moments while it sends: what it was told is in the log, once, and nothing is twice.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newId } from "../../src/index.ts";
import { checkLedger, readLedger } from "../harness/ledger-log.ts";
import type { Attempt } from "../harness/log-checker.ts";
import { Program } from "../harness/program.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { until } from "../harness/until.ts";
import type { VictimOrder } from "../programs/victim.ts";

const NETWORK = "killed";
const KILLS = 50;
/** Two at a time: more would wait for each other on two cores. */
const AT_ONCE = 2;
/** A kill comes after so many lines of the diary at most. */
const LONGEST_LIFE = 4_000;
let server: RedisServer;

beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

test(`${KILLS} kills: each acknowledged message is in the log exactly once`, async () => {
  const ids = Array.from({ length: 5 }, () => newId());
  const diaries = Array.from({ length: KILLS }, (_, i) => join(server.folder, `diary-${i}`));
  let next = 0;
  const live = async (): Promise<void> => {
    for (let i = next++; i < KILLS; i = next++) await liveAndDie(`v${i}`, diaries[i] ?? "", ids);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, live));

  const attempts = readDiaries(diaries);
  let acknowledged = 0;
  for (const id of ids) {
    const records = await server.ask((redis) => readLedger(redis, NETWORK, id));
    const own = [...(attempts.get(id)?.values() ?? [])];
    acknowledged += own.filter(({ outcome }) => outcome === "answered").length;
    expect(checkLedger(records, own)).toEqual([]);
  }
  // Each life was long enough to be acknowledged something, and most were cut off in the middle of a send.
  expect(acknowledged).toBeGreaterThan(KILLS);
}, 120_000);

/** A process from its first send to its death, at a moment that nobody chose. */
async function liveAndDie(sender: string, diary: string, ids: readonly string[]): Promise<void> {
  const order: VictimOrder = { redis: server.url, network: NETWORK, ids, sender, inFlight: 12, diary };
  const victim = new Program("victim", order);
  await victim.prints("sending");
  const life = 1 + Math.floor(Math.random() * LONGEST_LIFE);
  await until(`${sender} has written ${life} lines`, () => linesOf(diary).length > life, 20_000);
  victim.kill();
  const { signal, stderr } = await victim.ended(10_000);
  expect({ signal, stderr }).toEqual({ signal: "SIGKILL", stderr: "" });
}

function linesOf(diary: string): readonly string[] {
  return readFileSync(diary, "utf8").split("\n").slice(0, -1);
}

/** Of each entity, each operation's last word: sent and not acknowledged is unknown. */
function readDiaries(diaries: readonly string[]): Map<string, Map<string, Attempt>> {
  const attempts = new Map<string, Map<string, Attempt>>();
  for (const line of diaries.flatMap(linesOf)) {
    const [what, id = "", op = "", version] = line.split(" ");
    const own = attempts.get(id) ?? new Map<string, Attempt>();
    attempts.set(id, own);
    if (what === "sent") own.set(op, { op, outcome: "unknown" });
    else own.set(op, { op, outcome: "answered", handledVersion: Number(version) });
  }
  return attempts;
}
