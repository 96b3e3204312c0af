// Line (a): what one writes with ioredis and no framework. One EVALSHA per message, state in memory.

import { readFileSync } from "node:fs";
import { Redis } from "ioredis";
import type { Line, Stage } from "../line.ts";
import type { Server } from "../redis.ts";
import { fold, INCREASED } from "./event.ts";

export const COMPARE_APPEND = readFileSync(new URL("compare-append.lua", import.meta.url), "utf8");

interface Counter {
  version: number;
  count: number;
  /** Messages of one entity go one after the other: a commit needs the version that the one before it brought. */
  busy: boolean;
  readonly waiting: (() => void)[];
}

class PlainStage implements Stage {
  readonly #counters = new Map<string, Counter>();
  readonly #redis: Redis;
  readonly #script: string;

  constructor(redis: Redis, script: string) {
    this.#redis = redis;
    this.#script = script;
  }

  async send(id: string): Promise<number> {
    let counter = this.#counters.get(id);
    if (counter === undefined) {
      counter = { version: 0, count: 0, busy: false, waiting: [] };
      this.#counters.set(id, counter);
      counter.busy = true;
      await this.#load(id, counter);
    } else if (counter.busy) {
      const { waiting } = counter;
      await new Promise<void>((go) => waiting.push(go));
    }
    counter.busy = true;
    const { version } = counter;
    const done = await this.#redis.evalsha(
      this.#script,
      1,
      id,
      `${version}-0`,
      `${version + 1}-0`,
      INCREASED,
    );
    if (done !== 1) throw new Error(`${id} has another writer`);
    counter.version = version + 1;
    counter.count += (JSON.parse(INCREASED) as { amount: number }).amount;
    const next = counter.waiting.shift();
    if (next === undefined) counter.busy = false;
    else next();
    return counter.count;
  }

  async count(id: string): Promise<number> {
    return fold(await this.#redis.xrange(id, "-", "+"), 0);
  }

  async close(): Promise<void> {
    await this.#redis.quit();
  }

  async #load(id: string, counter: Counter): Promise<void> {
    const entries = await this.#redis.xrange(id, "-", "+");
    counter.count = fold(entries, 0);
    counter.version = Number.parseInt(entries.at(-1)?.[0] ?? "0", 10);
  }
}

export const plainLine: Line = {
  name: "plain ioredis (a)",
  async open(server: Server): Promise<Stage> {
    // Without auto-pipelining: it was tried, is no faster spread, and slower where messages wait for each other.
    const redis = new Redis(server.url);
    return new PlainStage(redis, String(await redis.script("LOAD", COMPARE_APPEND)));
  },
};
