// A line that is opened once, and kept from one measurement to the next, as a program keeps its node. Code learns for its
// first 10 to 15 s, and what opens a node for each measurement shows it as it is in its first second.

import { randomUUID } from "node:crypto";
import { drive } from "./drive.ts";
import type { Line, Stage } from "./line.ts";
import type { Server } from "./redis.ts";

export interface Lesson {
  readonly inFlight: number;
  readonly counters: number;
  readonly ms: number;
}

export class Kept implements Line {
  readonly name: string;
  readonly #line: Line;
  readonly #reader: Line;
  readonly #lessons: readonly Lesson[];
  #stage: Promise<Stage> | undefined;

  /**
   * @param lessons what it does before it is measured for the first time
   * @param reader reads back what was sent, beside the one that is kept; default: a fresh stage of the line
   */
  constructor(line: Line, lessons: readonly Lesson[], reader: Line = line) {
    this.name = line.name;
    this.#line = line;
    this.#reader = reader;
    this.#lessons = lessons;
  }

  async open(server: Server): Promise<Stage> {
    this.#stage ??= this.#begin(server);
    return { ...(await this.#stage), close: async () => {} };
  }

  reader(server: Server): Promise<Stage> {
    return this.#reader.open(server);
  }

  async end(): Promise<void> {
    await (await this.#stage)?.close();
  }

  async #begin(server: Server): Promise<Stage> {
    const stage = await this.#line.open(server);
    for (const { inFlight, counters, ms } of this.#lessons) {
      const ids = Array.from({ length: counters }, () => randomUUID());
      const load = { inFlight, ms, most: Number.POSITIVE_INFINITY };
      await drive(load, (i) => stage.send(ids[i % counters] ?? ""));
    }
    return stage;
  }
}
