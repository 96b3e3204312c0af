// What this client knows of the tips of partitions: whether anybody else has written to one since it did. Why that is
// as good as a comparison: docs/decisions/0030.

export interface Tip {
  /** Of this client's last call that wrote there; "": not known. No two tries of a call have the same. */
  readonly token: string;
  /** Raised whenever somebody else may have written there: what was proved by an older one is not proved any more. */
  readonly epoch: number;
}

const UNKNOWN: Tip = { token: "", epoch: 1 };

export class Tips {
  readonly #tips: Tip[] = [];

  of(partition: number): Tip {
    return this.#tips[partition] ?? UNKNOWN;
  }

  /**
   * A call has put its token there. @returns the epoch by which the heads that it brought are proved
   * @param known the tip that it knew
   * @param isStranger whether it was another
   */
  moved(partition: number, known: Tip, token: string, isStranger: boolean): number {
    const { epoch } = this.of(partition);
    if (isStranger) {
      this.#tips[partition] = { token, epoch: epoch + 1 };
      return epoch + 1;
    }
    // Not where another call was answered in between that had met a stranger: which of the two was first is not known,
    // and what this one brought is proved by an epoch that is over.
    if (epoch === known.epoch) this.#tips[partition] = { token, epoch };
    return known.epoch;
  }

  /** The log of an entity there is not what it was said to be. */
  doubt(partition: number): void {
    this.#tips[partition] = { token: "", epoch: this.of(partition).epoch + 1 };
  }
}
