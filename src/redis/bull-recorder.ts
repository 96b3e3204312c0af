// A client of BullMQ's that sends nothing: it keeps the scripts that BullMQ defines, and what BullMQ would have sent. So
// the text, the keys and the arguments by which a job is added come from the BullMQ that is installed, through what it
// exports (its interface `IRedisClient`), and nothing of it is written down here a second time.

import { EventEmitter } from "node:events";
import type { IRedisClient } from "bullmq";

/** A script as BullMQ defines it. */
export interface BullScript {
  readonly numberOfKeys: number;
  readonly lua: string;
}

/** A call of one, as it would have been sent. */
export interface BullCall {
  readonly name: string;
  readonly args: readonly unknown[];
}

const refuse = (): never => {
  throw new Error("BullMQ asks more of its client than adding a job needs: see bull-recorder.ts");
};

export class BullRecorder extends EventEmitter implements IRedisClient {
  readonly scripts = new Map<string, BullScript>();
  readonly options = {};
  readonly isCluster = false;
  status = "ready";
  #last: BullCall | null = null;

  defineCommand(name: string, script: BullScript): void {
    this.scripts.set(name, script);
  }

  runCommand(name: string, args: unknown[]): Promise<unknown> {
    this.#last = { name, args };
    return Promise.resolve("");
  }

  /** What was called last, once. @throws Error if nothing was */
  take(): BullCall {
    const call = this.#last;
    this.#last = null;
    if (call === null) throw new Error("BullMQ did not add the job at once");
    return call;
  }

  async connect(): Promise<void> {}
  disconnect(): void {}
  async quit(): Promise<string> {
    return "OK";
  }

  readonly duplicate = refuse;
  readonly multi = refuse;
  readonly pipeline = refuse;
  readonly hgetall = refuse;
  readonly hget = refuse;
  readonly hmget = refuse;
  readonly hset = refuse;
  readonly hdel = refuse;
  readonly hexists = refuse;
  readonly get = refuse;
  readonly set = refuse;
  readonly del = refuse;
  readonly zrange = refuse;
  readonly zrevrange = refuse;
  readonly zcard = refuse;
  readonly zscore = refuse;
  readonly lrange = refuse;
  readonly llen = refuse;
  readonly ltrim = refuse;
  readonly lpos = refuse;
  readonly smembers = refuse;
  readonly xadd = refuse;
  readonly xread = refuse;
  readonly xtrim = refuse;
  readonly bzpopmin = refuse;
  readonly info = refuse;
  readonly clientSetName = refuse;
  readonly clientList = refuse;
  readonly clientInfo = refuse;
  readonly scan = refuse;
  readonly scanStream = refuse;
}
