// Work that goes with a partition, and not with a message: whoever owns the partition does it. An economy like the lease
// itself: two owners at once are normal, so every duty must be right when it is done twice.

/** One kind of work. */
export interface Duty {
  /** The partition is this node's from now on. Called once until `end`; never throws. */
  begin(partition: number): void;

  /**
   * The partition is not this node's any more: begins nothing new there, and resolves when nothing of it is at work
   * here. What takes longer than `deadline` (monotonic ms) is told to stop, and left. Never rejects.
   */
  end(partition: number, deadline: number): Promise<void>;
}

export class Duties {
  readonly #duties: Duty[] = [];
  /** Partitions in which work was begun and not told to end. */
  readonly #begun = new Set<number>();
  /** Of those that end: resolves when they have. */
  readonly #ending = new Map<number, Promise<void>>();
  /** Wanted again before they had ended: begun when they have, so that no partition has its work twice in one node. */
  readonly #again = new Set<number>();
  #closed = false;

  /** Takes up another kind of work, in the partitions that are this node's already too. */
  add(duty: Duty): void {
    this.#duties.push(duty);
    for (const partition of this.#begun) duty.begin(partition);
  }

  begin(partition: number): void {
    if (this.#closed || this.#begun.has(partition)) return;
    if (this.#ending.has(partition)) {
      this.#again.add(partition);
      return;
    }
    this.#begun.add(partition);
    for (const duty of this.#duties) duty.begin(partition);
  }

  /** Resolves when nothing is at work in the partition. */
  end(partition: number, deadline: number): Promise<void> {
    this.#again.delete(partition);
    if (this.#begun.delete(partition)) {
      const ended = Promise.all(this.#duties.map((duty) => duty.end(partition, deadline)));
      this.#ending.set(
        partition,
        ended.then(() => this.#ended(partition)),
      );
    }
    return this.#ending.get(partition) ?? Promise.resolve();
  }

  /** Whether nothing is at work in the partition: it may be handed over. */
  isQuiet(partition: number): boolean {
    return !this.#begun.has(partition) && !this.#ending.has(partition);
  }

  /** Ends everything, for good. */
  async close(deadline: number): Promise<void> {
    this.#closed = true;
    this.#again.clear();
    for (const partition of [...this.#begun]) void this.end(partition, deadline);
    await Promise.all(this.#ending.values());
  }

  #ended(partition: number): void {
    this.#ending.delete(partition);
    if (this.#again.delete(partition)) this.begin(partition);
  }
}
