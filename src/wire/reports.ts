// Lines for whoever runs the node. A node that is refused comes again twice a second, and a stranger that knocks without
// end must not fill the log: so the same line is said once a minute, and of different ones a few in a second.

import type { Clock } from "../ports/clock.ts";

const AGAIN_MS = 60_000;
const LINES_PER_SECOND = 10;
/** Lines that are remembered. */
const MOST_LINES = 1_000;
const LONGEST_LINE = 300;

interface Said {
  readonly at: number;
  /** How often it would have been said since. */
  more: number;
}

export class Reports {
  readonly #write: (line: string) => void;
  readonly #clock: Clock;
  readonly #said = new Map<string, Said>();
  #second = 0;
  #lines = 0;
  /** Lines that were too many. */
  #kept = 0;

  constructor(write: (line: string) => void, clock: Clock) {
    this.#write = write;
    this.#clock = clock;
  }

  say(words: string): void {
    const line = words.replace(/[^\x20-\x7e]/g, "?").slice(0, LONGEST_LINE);
    const now = this.#clock.monotonicMs();
    const before = this.#said.get(line);
    if (before !== undefined && now - before.at < AGAIN_MS) {
      before.more += 1;
      return;
    }
    if (!this.#mayWrite(now)) return;
    this.#said.delete(line); // the oldest stand first
    this.#said.set(line, { at: now, more: 0 });
    for (const oldest of this.#said.keys()) {
      if (this.#said.size <= MOST_LINES) break;
      this.#said.delete(oldest);
    }
    const more =
      before === undefined || before.more === 0 ? "" : ` (and ${before.more} times since the last line)`;
    this.#write(line + more);
  }

  #mayWrite(now: number): boolean {
    const second = Math.floor(now / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#lines = 0;
    }
    if (this.#lines >= LINES_PER_SECOND) {
      this.#kept += 1;
      return false;
    }
    this.#lines += 1;
    if (this.#kept > 0) {
      this.#write(`${this.#kept} more lines about other nodes were left out`);
      this.#kept = 0;
    }
    return true;
  }
}
