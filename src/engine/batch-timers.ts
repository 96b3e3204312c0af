// What a batch does to its entity's timers: the firings that it handles, and what its turns set and take away. Of several
// turns that name one timer the last one counts; a firing of a timer that an earlier turn has touched is not in the batch
// at all (worker.ts parks it), for the script checks firings against what stood before the batch.

import type { FiringStep, TimerStep } from "../ports/event-store.ts";
import type { Envelope } from "./envelope.ts";
import type { TimerPlan } from "./timer-plan.ts";

export class BatchTimers {
  readonly #commitId: string;
  readonly #firings: FiringStep[] = [];
  readonly #owners: Envelope[] = [];
  readonly #steps = new Map<string, TimerStep>();
  /** When the `every` timers that were fired are due again. */
  readonly #ticks = new Map<string, number>();
  #scheduled = 0;
  #characters = 0;

  constructor(commitId: string) {
    this.#commitId = commitId;
  }

  get firings(): readonly FiringStep[] {
    return this.#firings;
  }

  get steps(): readonly TimerStep[] {
    return [...this.#steps.values()];
  }

  get characters(): number {
    return this.#characters;
  }

  /** Whether a firing of this name must wait until it is known what becomes of the batch. */
  touches(name: string): boolean {
    return this.#steps.has(name) || this.#ticks.has(name) || this.#firings.some((step) => step.name === name);
  }

  /** Whose firing a step is. */
  ownerOf(step: number): Envelope | undefined {
    return this.#owners[step];
  }

  /** When the first of the timers that this batch leaves is due, epoch ms; Infinity: it leaves none. */
  get firstDue(): number {
    const set = this.steps.map((step) => step.set?.dueAt ?? Number.POSITIVE_INFINITY);
    const ticks = [...this.#ticks].filter(([name]) => !this.#steps.has(name)).map(([, dueAt]) => dueAt);
    return Math.min(Number.POSITIVE_INFINITY, ...set, ...ticks);
  }

  handle(envelope: Envelope): void {
    const { firing } = envelope.order;
    if (firing === null) return;
    const { name, generation, dueAt, missed, every } = firing;
    this.#firings.push({ name, generation, dueAt, missed });
    this.#owners.push(envelope);
    if (every !== null) this.#ticks.set(name, dueAt + (missed + 1) * every);
  }

  plan(plans: readonly TimerPlan[]): void {
    for (const { name, set } of plans) {
      // Numbered through the commit: what one decision schedules twice, or anew from its own firing at the same due
      // time, is another timer each time.
      const generation = `${this.#commitId}-${this.#scheduled}`;
      if (set !== null) this.#scheduled += 1;
      this.#characters += 64 + name.length + (set?.message.length ?? 0);
      this.#steps.delete(name);
      this.#steps.set(name, { name, set: set === null ? null : { ...set, generation } });
    }
  }
}
