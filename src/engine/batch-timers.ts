// What a batch does to its entity's timers: the firings that it handles, and what its turns set and take away. Of several
// turns that name one timer the last one counts; a firing of a timer that an earlier turn has touched is not in the batch
// at all (worker.ts parks it), for the script checks firings against what stood before the batch.

import type { FiringStep, NewTimer, TimerStep } from "../ports/event-store.ts";
import type { Envelope } from "./envelope.ts";
import type { TimerPlan } from "./timer-plan.ts";

export class BatchTimers {
  readonly #commitId: string;
  readonly #firings: FiringStep[] = [];
  readonly #owners: Envelope[] = [];
  readonly #steps = new Map<string, TimerStep>();
  /** When the `every` timers that were fired are due again; null as long as there is none. */
  #ticks: Map<string, number> | null = null;
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
    return (
      this.#steps.has(name) ||
      this.#ticks?.has(name) === true ||
      this.#firings.some((step) => step.name === name)
    );
  }

  /** Whose firing a step is. */
  ownerOf(step: number): Envelope | undefined {
    return this.#owners[step];
  }

  /** When the first of the timers that this batch leaves is due, epoch ms; Infinity: it leaves none. */
  get firstDue(): number {
    // Asked of each commit that has to do with timers: so no arrays are made for it.
    let first = Number.POSITIVE_INFINITY;
    for (const { set } of this.#steps.values()) if (set !== null) first = Math.min(first, set.dueAt);
    if (this.#ticks === null) return first;
    for (const [name, dueAt] of this.#ticks) if (!this.#steps.has(name)) first = Math.min(first, dueAt);
    return first;
  }

  handle(envelope: Envelope): void {
    const { firing } = envelope.order;
    if (firing === null) return;
    const { name, generation, dueAt, missed, every } = firing;
    this.#firings.push({ name, generation, dueAt, missed });
    this.#owners.push(envelope);
    if (every === null) return;
    this.#ticks ??= new Map();
    this.#ticks.set(name, dueAt + (missed + 1) * every);
  }

  plan(plans: readonly TimerPlan[]): void {
    for (const { name, set } of plans) {
      this.#characters += 64 + name.length + (set?.message.length ?? 0);
      this.#steps.delete(name);
      this.#steps.set(name, { name, set: set === null ? null : this.#withGeneration(set) });
    }
  }

  #withGeneration({ dueAt, everyMs, message }: Omit<NewTimer, "generation">): NewTimer {
    // Numbered through the commit: what one decision schedules twice, or anew from its own firing at the same due
    // time, is another timer each time.
    const generation = `${this.#commitId}-${this.#scheduled}`;
    this.#scheduled += 1;
    return { dueAt, everyMs, message, generation };
  }
}
