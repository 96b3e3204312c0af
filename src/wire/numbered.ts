// What waits, by numbers that only grow: a Map for those that come and go fast.
//
// A Map's table that was outgrown points to the one after it, and once it is old keeps all of them, and what is in them, from
// the collector of young objects. Here the newest numbers stand in a ring of one size. What is still there when its
// place is needed again is slow, or there are very many: those are in a Map.

/** A power of two. */
const PLACES = 4_096;

export class Numbered<T extends { readonly number: number }> {
  readonly #ring: (T | null)[] = new Array<T | null>(PLACES).fill(null);
  readonly #slow = new Map<number, T>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Its number is higher than all before. */
  add(value: T): void {
    const place = value.number % PLACES;
    const before = this.#ring[place] ?? null;
    if (before !== null) this.#slow.set(before.number, before);
    this.#ring[place] = value;
    this.#size += 1;
  }

  get(number: number): T | undefined {
    const value = this.#ring[number % PLACES] ?? null;
    return value !== null && value.number === number ? value : this.#slow.get(number);
  }

  /** Whether it was there. */
  delete(number: number): boolean {
    const place = number % PLACES;
    const value = this.#ring[place] ?? null;
    const isInRing = value !== null && value.number === number;
    if (!isInRing && !this.#slow.delete(number)) return false;
    if (isInRing) this.#ring[place] = null;
    this.#size -= 1;
    return true;
  }

  /** Those that are there now, by their numbers. */
  all(): readonly T[] {
    if (this.#size === 0) return [];
    const all = [...this.#slow.values()];
    for (const value of this.#ring) if (value !== null) all.push(value);
    return all.sort((a, b) => a.number - b.number);
  }
}
