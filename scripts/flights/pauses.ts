// How long senders waited: the longest of all, beside what was usual.

import type { Wait } from "./send.ts";

export class Pauses {
  readonly #waits: Wait[] = [];

  add(wait: Wait): void {
    this.#waits.push(wait);
  }

  get count(): number {
    return this.#waits.length;
  }

  /** Messages that were sent more than once. */
  get again(): number {
    return this.#waits.filter(({ times }) => times > 1).length;
  }

  /** @throws Error if nobody waited */
  get longest(): Wait {
    return longestOf(this.#waits);
  }

  /** Of those that were waiting at that moment; null: nobody was. */
  longestAt(moment: number): Wait | null {
    const waiting = this.#waits.filter(({ since, ms }) => since <= moment && moment < since + ms);
    return waiting.length === 0 ? null : longestOf(waiting);
  }

  /** Milliseconds that so many of a hundred did not exceed. */
  percentile(percent: number): number {
    const sorted = this.#waits.map(({ ms }) => ms).sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? 0;
  }
}

function longestOf(waits: readonly Wait[]): Wait {
  return waits.reduce((longest, wait) => (wait.ms > longest.ms ? wait : longest));
}
