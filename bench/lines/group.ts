// Line (c): the bare group commit. Shows how far gathering alone goes; it has no feature of a framework at all.

import { readFileSync } from "node:fs";
import { Redis } from "ioredis";
import type { Line, Stage } from "../line.ts";
import type { Server } from "../redis.ts";
import { fold, INCREASED } from "./event.ts";

const GROUP_APPEND = readFileSync(new URL("group-append.lua", import.meta.url), "utf8");
const WITH_TIMERS = readFileSync(new URL("group-append-timers.lua", import.meta.url), "utf8");
const WITH_ROWS = readFileSync(new URL("group-append-rows.lua", import.meta.url), "utf8");
const WITH_LOG = readFileSync(new URL("group-append-log.lua", import.meta.url), "utf8");
/** As many as Pachyderm has partitions, unless set. */
const LOGS = 32;
/** Two calls of this size beat one of twice the size: Node fills the next while Redis works on the first. */
const MOST_ENTITIES = 128;
const MOST_CALLS = 2;

interface Counter {
  readonly id: string;
  version: number;
  count: number;
  committing: boolean;
  waiting: ((count: number) => void)[];
}

interface Batch {
  readonly counter: Counter;
  readonly answer: readonly ((count: number) => void)[];
}

class GroupStage implements Stage {
  readonly #counters = new Map<string, Counter>();
  readonly #redis: Redis;
  readonly #script: string;
  readonly #withLog: boolean;
  #dirty: Counter[] = [];
  #scheduled = false;
  #calls = 0;

  constructor(redis: Redis, script: string, withLog = false) {
    this.#redis = redis;
    this.#script = script;
    this.#withLog = withLog;
  }

  send(id: string): Promise<number> {
    let counter = this.#counters.get(id);
    if (counter === undefined) {
      counter = { id, version: 0, count: 0, committing: false, waiting: [] };
      this.#counters.set(id, counter);
    }
    const of = counter;
    return new Promise((answer) => {
      of.waiting.push(answer);
      if (of.waiting.length === 1 && !of.committing) this.#mark(of);
    });
  }

  async count(id: string): Promise<number> {
    return fold(await this.#redis.xrange(id, "-", "+"), 0);
  }

  async close(): Promise<void> {
    await this.#redis.quit();
  }

  #mark(counter: Counter): void {
    this.#dirty.push(counter);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    this.#scheduled = false;
    while (this.#dirty.length > 0 && this.#calls < MOST_CALLS) {
      const counters = this.#dirty.slice(0, MOST_ENTITIES);
      this.#dirty = this.#dirty.slice(MOST_ENTITIES);
      this.#calls += 1;
      this.#commit(counters).catch((error: unknown) => {
        throw error; // an unhandled rejection stops the run, with its reason
      });
    }
  }

  async #commit(counters: readonly Counter[]): Promise<void> {
    const keys: (string | number)[] = counters.map((counter) => counter.id);
    const args: (string | number)[] = [];
    if (this.#withLog) args.push(counters.length);
    const batches: Batch[] = [];
    for (const counter of counters) {
      const answer = counter.waiting;
      counter.waiting = [];
      counter.committing = true;
      args.push(counter.version, answer.length);
      for (let n = 0; n < answer.length; n++) args.push(INCREASED);
      batches.push({ counter, answer });
    }
    if (this.#withLog) {
      for (const [log, entry] of logsOf(batches)) {
        keys.push(log);
        args.push(entry);
      }
    }
    const results = (await this.#redis.evalsha(this.#script, keys.length, ...keys, ...args)) as number[];
    this.#calls -= 1;
    batches.forEach(({ counter, answer }, i) => {
      if (results[i] !== 1) throw new Error(`${counter.id} has another writer`);
      counter.version += answer.length;
      counter.committing = false;
      for (const settle of answer) {
        counter.count += (JSON.parse(INCREASED) as { amount: number }).amount;
        settle(counter.count);
      }
      if (counter.waiting.length > 0) this.#dirty.push(counter);
    });
    if (this.#dirty.length > 0) this.#schedule();
  }
}

/** An entry for each partition, of a line for each entity there: as Pachyderm's. */
function logsOf(batches: readonly Batch[]): ReadonlyMap<string, string> {
  const logs = new Map<string, string>();
  for (const { counter, answer } of batches) {
    const log = `log:${Number.parseInt(counter.id.slice(0, 4), 16) % LOGS}`;
    const line = `${counter.id} counter ${counter.version + 1} ${answer.length}`;
    const before = logs.get(log);
    logs.set(log, before === undefined ? line : `${before}\n${line}`);
  }
  return logs;
}

export const groupLine: Line = {
  name: "bare group commit (c)",
  async open(server: Server): Promise<Stage> {
    const redis = new Redis(server.url);
    return new GroupStage(redis, String(await redis.script("LOAD", GROUP_APPEND)));
  },
};

export const groupRowsLine: Line = {
  name: "bare group commit, a row with an index",
  async open(server: Server): Promise<Stage> {
    const redis = new Redis(server.url);
    return new GroupStage(redis, String(await redis.script("LOAD", WITH_ROWS)));
  },
};

export const groupTimersLine: Line = {
  name: "bare group commit, timers set and taken away",
  async open(server: Server): Promise<Stage> {
    const redis = new Redis(server.url);
    return new GroupStage(redis, String(await redis.script("LOAD", WITH_TIMERS)));
  },
};

export const groupLogLine: Line = {
  name: "bare group commit with a log",
  async open(server: Server): Promise<Stage> {
    const redis = new Redis(server.url);
    return new GroupStage(redis, String(await redis.script("LOAD", WITH_LOG)), true);
  },
};
