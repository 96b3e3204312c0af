// Chance that can be had again: the same seed, the same throws.

export class Dice {
  readonly seed: number;
  #state: number;

  constructor(seed: number) {
    this.seed = seed;
    this.#state = seed >>> 0;
  }

  /** A whole number from `least` to `most`, both included. */
  number(least: number, most: number): number {
    return least + Math.floor(this.#next() * (most - least + 1));
  }

  chance(of: number): boolean {
    return this.#next() < of;
  }

  /** @throws RangeError if there is nothing to choose from */
  oneOf<T>(choices: readonly T[]): T {
    const [choice] = choices.slice(this.number(0, choices.length - 1));
    if (choice === undefined) throw new RangeError("nothing to choose from");
    return choice;
  }

  /** mulberry32, by T. Ettinger (public domain): short, and good enough to wander with. */
  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }
}
