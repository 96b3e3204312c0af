// `stop` leaves the process free to exit, in whatever state Redis is: each runs in a process that must come to its end by
// itself, and in which a rejection that nobody handles is its death.

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { Pachyderm } from "../../src/index.ts";
import { Program } from "../harness/program.ts";
import { TcpProxy } from "../harness/proxy.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { LATE_MS } from "../harness/rounds.ts";
import type { Situation, StopperLine, StopperOrder } from "../programs/stopper.ts";
import type { StuckOrder } from "../programs/stuck.ts";
import { stuckOn, worker } from "../programs/stuck-effect.ts";

const STOP_MS = 1_000;
const SENDS = 1_000;
let server: RedisServer;
let line: TcpProxy;

beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());
beforeEach(async () => {
  line = await TcpProxy.start(server.port);
});
afterEach(() => line.stop());

async function stopIn(
  situation: Situation,
  hurt?: () => unknown,
  mend?: () => unknown,
): Promise<StopperLine> {
  // What can be done before it ends is to be done, however busy the machine is.
  const stopTimeoutMs = situation === "in-flight" ? 20_000 : STOP_MS;
  const order: StopperOrder = { redis: line.url, network: "stop", situation, stopTimeoutMs };
  const program = new Program("stopper", order);
  for (const [word, act] of [["hurt", hurt] as const, ["mend", mend] as const]) {
    if (act === undefined) continue;
    await program.prints(word);
    await act();
    program.say("done");
  }
  const { code, stdout, stderr, lingeredMs } = await program.ended(30_000);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(lingeredMs).toBeLessThan(LATE_MS);
  const last = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "") as StopperLine;
  expect(last.tookMs).toBeLessThan(stopTimeoutMs + LATE_MS);
  expect(last).toMatchObject({ after: "NODE_STOPPING not-committed", samePromise: true });
  return last;
}

test("idle", async () => {
  expect(await stopIn("idle")).toMatchObject({ answered: 1, failed: [] });
});

test("with sends in flight: all of them are answered first", async () => {
  expect(await stopIn("in-flight")).toMatchObject({ answered: SENDS + 1, failed: [] });
});

test.each([
  ["cut", () => line.cut(), () => {}],
  ["refused", () => line.refuse(), () => line.heal()],
  ["in a black hole", () => line.blackhole(), () => line.heal()],
])("after the line was %s", async (_, hurt, mend) => {
  const { answered, failed } = await stopIn("after-faults", hurt, mend);
  expect(answered + failed.length).toBe(SENDS + 1);
});

test.each([
  ["refused", () => line.refuse()],
  ["in a black hole", () => line.blackhole()],
])("with sends in flight while the line is %s: each hears of it", async (_, hurt) => {
  const { answered, failed } = await stopIn("while-cut-off", hurt);
  expect(answered).toBe(1);
  expect(failed).toHaveLength(SENDS);
  for (const failure of failed)
    expect(failure).toMatch(/^(NODE_STOPPING|STORE_UNAVAILABLE) (unknown|not-committed)$/);
});

test("with a durable effect that never ends: the process does, and another node runs the effect again", async () => {
  const where = { redis: server.url, network: "stop-stuck" };
  const order: StuckOrder = { ...where, stopTimeoutMs: STOP_MS };
  const { code, stdout, stderr, lingeredMs } = await new Program("stuck", order).ended(20_000);
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "stopped\n", stderr: "" });
  expect(lingeredMs).toBeLessThan(LATE_MS);
  const { promise: attempt, resolve } = Promise.withResolvers<number>();
  const cluster = { port: 0, leaseMs: 500 };
  const node = await Pachyderm.start({ ...where, entities: [worker], effects: [stuckOn(resolve)], cluster });
  expect(await attempt).toBe(2);
  await node.stop();
});
