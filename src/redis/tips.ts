// What this client knows of the tips of partitions: whether anybody else has written to one since it did. Why that is
// as good as a comparison: docs/decisions/0030.

export interface Tip {
  /** Of this client's last call that wrote there; "": not known. No two tries of a call have the same. */
  readonly token: string;
  /** Raised whenever somebody else may have written there: what was proved by an older one is not proved any more. */
  readonly epoch: number;
  /**
   * Since when (epoch ms by the store's clock) the tip is this client's own, and no receipt of a message was written
   * there: who sent a message later has no receipt there, as long as the tip is this one.
   */
  readonly since: number;
}

const UNKNOWN: Tip = { token: "", epoch: 1, since: Number.POSITIVE_INFINITY };

export class Tips {
  readonly #tips: Tip[] = [];
  /** When this client last left a receipt of a message in a partition, as `since`. */
  readonly #left: number[] = [];

  of(partition: number): Tip {
    return this.#tips[partition] ?? UNKNOWN;
  }

  /**
   * A call has put its token there. @returns the epoch by which the heads that it brought are proved
   * @param known the tip that it knew
   * @param isStranger whether it was another
   * @param at the time of the call, epoch ms by the store's clock
   */
  moved(partition: number, known: Tip, token: string, isStranger: boolean, at: number): number {
    const { epoch, since } = this.of(partition);
    if (isStranger) {
      this.#tips[partition] = { token, epoch: epoch + 1, since: Math.max(at, this.#left[partition] ?? 0) };
      return epoch + 1;
    }
    // Not where another call was answered in between that had met a stranger: which of the two was first is not known,
    // and what this one brought is proved by an epoch that is over.
    if (epoch === known.epoch) this.#tips[partition] = { token, epoch, since };
    return known.epoch;
  }

  /**
   * A call is about to leave receipts there of messages that were sent before now: a first attempt at one of them that is
   * read later must look for it, for this client's own calls do not show in the tip. @param now epoch ms, as for `at`
   */
  leaves(partition: number, now: number): void {
    const tip = this.of(partition);
    this.#left[partition] = now;
    if (tip.since < now) this.#tips[partition] = { ...tip, since: now };
  }

  /** The log of an entity there is not what it was said to be. */
  doubt(partition: number): void {
    this.#tips[partition] = { ...UNKNOWN, epoch: this.of(partition).epoch + 1 };
  }
}
