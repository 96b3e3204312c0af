// Steps that are measured in turns, one of each, again and again: each finds the caches as the others left them, and a slow
// minute of the machine hits all. Measured each for itself, a bare round trip of half a second has the processor for itself, as
// it never has in a node at work.

import type { Contestant, Figures } from "../contest.ts";
import { quantile } from "../statistics.ts";

export interface Step {
  readonly name: string;
  open(): Promise<Opened>;
}

export interface Opened {
  take(): Promise<unknown>;
  close(): Promise<void>;
}

/** Of what one or more steps took together in the same turn. */
export interface Sum {
  readonly name: string;
  readonly steps: readonly string[];
}

export interface Lengths {
  /** Before the first measurement. */
  readonly learnMs: number;
  readonly ms: number;
}

const P50 = "p50 ms";

/** What is opened stays open from the first measurement to {@link close}, as it does in a program. */
export class Turns {
  readonly #steps: readonly Step[];
  readonly #lengths: Lengths;
  #opened: readonly Opened[] | null = null;

  constructor(steps: readonly Step[], lengths: Lengths) {
    this.#steps = steps;
    this.#lengths = lengths;
  }

  /** @returns a contestant for each sum; the first one's measurement is that of all. */
  contestants(sums: readonly Sum[]): readonly Contestant[] {
    let took: readonly (readonly number[])[] = [];
    return sums.map((sum, at) => ({
      name: sum.name,
      measure: async (): Promise<Figures> => {
        if (at === 0) took = await this.#measure();
        return this.#figures(sum, took);
      },
    }));
  }

  async close(): Promise<void> {
    for (const opened of this.#opened ?? []) await opened.close();
    this.#opened = null;
  }

  /** @returns what each step took in each turn, in milliseconds */
  async #measure(): Promise<readonly (readonly number[])[]> {
    const { learnMs, ms } = this.#lengths;
    if (this.#opened === null) {
      this.#opened = await Promise.all(this.#steps.map((step) => step.open()));
      await takeFor(learnMs, this.#opened);
    }
    return await takeFor(ms, this.#opened);
  }

  #figures({ steps }: Sum, took: readonly (readonly number[])[]): Figures {
    const parts = this.#steps.flatMap(({ name }, at) => (steps.includes(name) ? [took[at] ?? []] : []));
    const sum = (turn: number): number => parts.reduce((all, part) => all + (part[turn] ?? Number.NaN), 0);
    const sorted = Float64Array.from(parts[0] ?? [], (_, turn) => sum(turn)).sort();
    return { [P50]: quantile(sorted, 0.5), "p99 ms": quantile(sorted, 0.99) };
  }
}

async function takeFor(ms: number, steps: readonly Opened[]): Promise<readonly (readonly number[])[]> {
  const took = steps.map((): number[] => []);
  const end = performance.now() + ms;
  while (performance.now() < end) {
    for (const [at, step] of steps.entries()) {
      const start = performance.now();
      await step.take();
      took[at]?.push(performance.now() - start);
    }
  }
  return took;
}
