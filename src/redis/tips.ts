// What this client knows of the tips of partitions: whether anybody else has written to one since it did. Why that is
// as good as a comparison: docs/decisions/0030.

export interface Tip {
  /** Of this client's last call that wrote there; "": not known. No two tries of a call have the same. */
  readonly token: string;
  /** Raised whenever somebody else may have written there: what was proved by an older one is not proved any more. */
  readonly epoch: number;
  /**
   * Since when (epoch ms, by the server that has the partition) the tip is this client's own, and no receipt of a message
   * was written there: who sent a message later has no receipt there, as long as the tip is this one.
   */
  readonly since: number;
}

/** What was heard of a call that has put its token there. */
export interface Move {
  /** "": not known, for there were several tries. */
  readonly token: string;
  /** Whether the tip was another than known. */
  readonly isStranger: boolean;
  /** Whether it left receipts of messages. */
  readonly leaves: boolean;
  /**
   * Epoch ms, as the script read it. This client's own idea of that time will not do in its place: it is late, by far if the
   * machine slept or the answer lay in a buffer, and then receipts would seem older than the messages that they are of.
   */
  readonly at: number;
}

const UNKNOWN: Tip = { token: "", epoch: 1, since: Number.POSITIVE_INFINITY };

export class Tips {
  readonly #tips: Tip[] = [];

  of(partition: number): Tip {
    return this.#tips[partition] ?? UNKNOWN;
  }

  /**
   * A call has put its token there. @returns the epoch by which the heads that it brought are proved
   * @param known the tip that it knew
   */
  moved(partition: number, known: Tip, { token, isStranger, leaves, at }: Move): number {
    const { epoch, since } = this.of(partition);
    if (isStranger) {
      this.#tips[partition] = { token, epoch: epoch + 1, since: at };
      return epoch + 1;
    }
    // Not where another call was answered in between that had met a stranger: which of the two was first is not known,
    // and what this one brought is proved by an epoch that is over.
    // What it has left itself does not show in the tip from now on. Nor need it be known of sooner: as long as this answer
    // is not read, the tip that is known is an older one, and whoever trusts in that is answered `again`.
    if (epoch === known.epoch)
      this.#tips[partition] = { token, epoch, since: leaves ? Math.max(since, at) : since };
    return known.epoch;
  }

  /** The log of an entity there is not what it was said to be. */
  doubt(partition: number): void {
    this.#tips[partition] = { ...UNKNOWN, epoch: this.of(partition).epoch + 1 };
  }
}
