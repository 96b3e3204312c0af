// What every contestant can do: count up one counter. The scenarios know no more of it than this.

import type { Server } from "./redis.ts";

/** One way to increment counters durably: plain ioredis, a bare group commit, Pachyderm. */
export interface Line {
  readonly name: string;
  /** Fresh: nothing in memory of an earlier stage, so whatever it knows comes from Redis. */
  open(server: Server): Promise<Stage>;
  /** Who reads back what was sent, where {@link open} gives nothing fresh. */
  reader?(server: Server): Promise<Stage>;
}

export interface Stage {
  /** One increment of the counter `id`; settles when it is in Redis. */
  send(id: string): Promise<unknown>;
  /** The counter's value as it can be read back. */
  count(id: string): Promise<number>;
  close(): Promise<void>;
}
