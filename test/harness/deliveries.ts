// A file of deliveries, `<id> <version>` in each line, read as it grows: what is new is read once, however often it is asked.

import { closeSync, openSync, readSync } from "node:fs";

export interface Delivery {
  readonly id: string;
  readonly version: number;
}

const CHUNK = 1_048_576;

export class Deliveries {
  readonly #file: string;
  readonly #all: Delivery[] = [];
  readonly #distinct = new Set<string>();
  readonly #chunk = Buffer.alloc(CHUNK);
  #read = 0;
  #rest = "";

  constructor(file: string) {
    this.#file = file;
  }

  /** All so far, in order. A line that is not whole was not written by whoever was killed. */
  all(): readonly Delivery[] {
    this.#more();
    return this.#all;
  }

  /** How many events, each counted once. */
  events(): number {
    this.#more();
    return this.#distinct.size;
  }

  #more(): void {
    const file = openSync(this.#file, "r");
    for (;;) {
      const bytes = readSync(file, this.#chunk, 0, CHUNK, this.#read);
      if (bytes === 0) break;
      this.#read += bytes;
      const lines = (this.#rest + this.#chunk.toString("latin1", 0, bytes)).split("\n");
      this.#rest = lines.pop() ?? "";
      for (const line of lines) {
        this.#all.push({ id: line.slice(0, 36), version: Number(line.slice(37)) });
        this.#distinct.add(line);
      }
    }
    closeSync(file);
  }
}

/** Of each entity its versions, in the order of their first deliveries. */
export function firsts(seen: readonly Delivery[]): Map<string, readonly number[]> {
  const by = new Map<string, Set<number>>();
  for (const { id, version } of seen) by.set(id, (by.get(id) ?? new Set()).add(version));
  return new Map([...by].map(([id, versions]) => [id, [...versions]]));
}
