// Rows of a projection as the moves of one runner have left them. They change with the cursor alone, in the same script call:
// while a runner's own moves are taken, nobody else has written any. Once somebody has, its next move is refused, with whatever
// was computed from what is remembered here.

/** Characters of keys and rows. */
const MOST = 262_144;

export class KnownRows {
  /** In the order in which they came; null: there is no such row. */
  readonly #rows = new Map<string, string | null>();
  #size = 0;

  /** Undefined: not known. */
  get(key: string): string | null | undefined {
    return this.#rows.get(key);
  }

  set(key: string, row: string | null): void {
    this.#forget(key);
    this.#rows.set(key, row);
    this.#size += sizeOf(key, row);
    for (const oldest of this.#rows.keys()) {
      if (this.#size <= MOST) break;
      this.#forget(oldest);
    }
  }

  #forget(key: string): void {
    const row = this.#rows.get(key);
    if (row === undefined) return;
    this.#rows.delete(key);
    this.#size -= sizeOf(key, row);
  }
}

function sizeOf(key: string, row: string | null): number {
  return key.length + (row?.length ?? 0);
}
