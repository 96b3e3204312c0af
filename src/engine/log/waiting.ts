// Waits until a subscription has come to a place: polled, and looked at once more whenever a runner of this node moves.

import { PachydermError } from "../../core/errors.ts";
import { comparePlaces, type LogPlace } from "../../core/log-place.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Cursors, SubscriptionCursor } from "../../ports/cursors.ts";
import { definite } from "./subscription-desk.ts";

const FIRST_MS = 2;
const LONGEST_MS = 25;

export interface WaitingParts {
  readonly cursors: Cursors;
  readonly clock: Clock;
}

export class Waiting {
  readonly #parts: WaitingParts;
  #moved = Promise.withResolvers<void>();

  constructor(parts: WaitingParts) {
    this.#parts = parts;
  }

  /** A cursor has moved here: whoever waits looks again. */
  moved(): void {
    this.#moved.resolve();
    this.#moved = Promise.withResolvers();
  }

  /**
   * @param targets the place that is to be reached, by partition
   * @throws PachydermError DEADLINE_EXCEEDED, STORE_UNAVAILABLE, UNREADABLE_EVENT, INVALID_OPTIONS (there is no such
   * subscription)
   */
  async until(name: string, targets: ReadonlyMap<number, LogPlace>, deadline: number): Promise<void> {
    const { clock } = this.#parts;
    let left = new Map(targets);
    let known = "";
    for (let ms = FIRST_MS; ; ms = Math.min(LONGEST_MS, ms * 1.5)) {
      const moved = this.#moved.promise; // before it is looked at: a move meanwhile must not be missed
      const { behind, sentence } = await this.#look(name, left, deadline, known);
      if (behind.size === 0) return;
      left = behind;
      known = sentence;
      const rest = deadline - clock.monotonicMs();
      await Promise.race([
        moved,
        new Promise((resolve) => setTimeout(resolve, Math.max(0, Math.min(ms, rest)))),
      ]);
      if (clock.monotonicMs() >= deadline) throw new PachydermError("DEADLINE_EXCEEDED", sentence);
    }
  }

  async #look(
    name: string,
    targets: ReadonlyMap<number, LogPlace>,
    deadline: number,
    known: string,
  ): Promise<{ readonly behind: Map<number, LogPlace>; readonly sentence: string }> {
    const behind = new Map<number, LogPlace>();
    let sentence = "";
    const found = await Promise.all(
      [...targets].map(async ([partition, target]) => {
        const answer = await this.#parts.cursors.load(name, partition, deadline);
        const late = answer.kind === "unavailable" && this.#parts.clock.monotonicMs() >= deadline;
        // What the look before it has found says more than that this one came too late.
        if (late)
          throw new PachydermError("DEADLINE_EXCEEDED", known || `the deadline passed: ${answer.reason}`);
        return { partition, target, cursor: definite(answer, "cursor", deadline, this.#parts.clock).cursor };
      }),
    );
    for (const { partition, target, cursor } of found) {
      if (cursor === undefined)
        throw new PachydermError("INVALID_OPTIONS", `there is no subscription ${name} in this network`);
      if (comparePlaces(cursor.place, target) >= 0) continue;
      behind.set(partition, target);
      sentence = sentenceOf(name, partition, cursor);
    }
    return { behind, sentence };
  }
}

function sentenceOf(name: string, partition: number, { status, error }: SubscriptionCursor): string {
  const why = status === "running" ? "" : ` (it is ${status}${error === "" ? "" : `: ${error}`})`;
  return `the subscription ${name} did not come so far in time in partition ${partition}${why}`;
}
