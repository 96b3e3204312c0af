// The examination, from the servers' own words to the laws.

import { randomBytes } from "node:crypto";
import { IdSequence } from "../../engine/ids.ts";
import { systemClock } from "../../node/clock.ts";
import type { RedisInput } from "../../redis/connection.ts";
import { Scratch } from "../../redis/scratch.ts";
import type { Call } from "../command.ts";
import { tell } from "../failure.ts";
import { Interrupted } from "../interrupted.ts";
import type { Paint } from "../output.ts";
import { bad, type Check, ok } from "./check.ts";
import { checkLatency } from "./latency.ts";
import { type Suite, suites } from "./laws.ts";
import { checkServers } from "./servers.ts";

const TIMEOUT_MS = 10_000;

/**
 * @returns whether this Redis can keep the promises
 * @throws Interrupted
 */
export async function examine(redis: RedisInput, call: Call): Promise<boolean> {
  const round = new Round(call);
  for (const check of await checkServers(redis, () => systemClock.epochMs())) await round.note(check);
  if (!round.failed && !call.options.isDenied("laws")) await tryOut(redis, call, round);
  await round.end();
  return !round.failed;
}

/** All that was found, told as it comes to people, and at the end to programs. */
class Round {
  readonly #call: Call;
  readonly #checks: Check[] = [];

  constructor(call: Call) {
    this.#call = call;
  }

  get failed(): boolean {
    return this.#checks.some(({ status }) => status === "fail");
  }

  async note(check: Check): Promise<void> {
    this.#checks.push(check);
    await this.#call.output.say((paint) => lineOf(check, paint));
  }

  async end(): Promise<void> {
    const { output } = this.#call;
    const count = (status: Check["status"]) => this.#checks.filter((check) => check.status === status).length;
    const isReached = this.#checks.some(({ check, status }) => check === "reachable" && status === "ok");
    const verdict = (): string => {
      if (!isReached) return "nothing could be looked at";
      if (this.failed) return "this Redis cannot keep the promises";
      return count("warn") > 0 ? "this Redis will do, and could be better" : "this Redis is as it should be";
    };
    await output.tell({ ok: !this.failed, checks: this.#checks }, ({ bold }) => bold(verdict()));
  }
}

const marks = { ok: "ok  ", warn: "warn", fail: "FAIL" } as const;

function lineOf({ check, server, status, found, change }: Check, { green, yellow, red, dim }: Paint): string {
  const color = { ok: green, warn: yellow, fail: red }[status];
  const where = server === null ? "" : dim(` at ${server}`);
  const line = `${color(marks[status])}  ${check}${where}: ${found}`;
  return change === null ? line : `${line}\n      ${change}`;
}

/** In networks of its own, which are removed however it ends. */
async function tryOut(redis: RedisInput, { interrupted }: Call, round: Round): Promise<void> {
  const network = `doctor-${randomBytes(6).toString("hex")}`;
  const ids = new IdSequence();
  const nextId = () => ids.next();
  const scratch = await Scratch.open({ redis, network, clock: systemClock, nextId, timeoutMs: TIMEOUT_MS });
  try {
    await round.note(await checkLatency(redis, network, scratch.partitions, () => systemClock.monotonicMs()));
    if (round.failed) return;
    // At the same time: most of them wait for something to expire.
    const held = await Promise.allSettled(
      suites(scratch, systemClock).map((suite) => holdTo(suite, interrupted)),
    );
    for (const suite of held) {
      if (suite.status === "rejected") throw suite.reason;
      for (const check of suite.value) await round.note(check);
    }
  } finally {
    await round.note(await removed(scratch, network));
  }
}

/** @throws Interrupted between two laws */
async function holdTo(suite: Suite, interrupted: AbortSignal): Promise<readonly Check[]> {
  const broken: Check[] = [];
  let kept = 0;
  for (const law of suite.laws) {
    if (interrupted.aborted) throw new Interrupted(String(interrupted.reason), false);
    const verdict = await suite.judge(law);
    if (verdict.kind === "kept") kept += 1;
    if (verdict.kind !== "broken") continue;
    const change = "nobody should rely on this server for Pachyderm: please report it, with its version";
    broken.push(
      bad("fail", `law of the ${suite.name}`, null, `${law}: ${tell(verdict.error).message}`, change),
    );
  }
  const left = suite.cannot.length === 0 ? "" : `, ${suite.cannot.length} left out`;
  return broken.length > 0 ? broken : [ok(`laws of the ${suite.name}`, null, `${kept} kept${left}`)];
}

async function removed(scratch: Scratch, network: string): Promise<Check> {
  try {
    return ok("tidied", null, `${await scratch.remove()} keys of the networks that were made are gone`);
  } catch (thrown) {
    const change = `remove the keys that begin with {${network}: and {law- by hand`;
    return bad("warn", "tidied", null, tell(thrown).message, change);
  }
}
