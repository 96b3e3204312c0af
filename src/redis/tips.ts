// What this client knows of the tips of partitions: whether anybody else has written to one since it did. Why that is
// as good as a comparison, also where several calls are under way at once: docs/decisions/0030.

export interface Tip {
  /** What will stand there when the next call runs, if nobody else writes; "": not known. */
  readonly token: string;
  /** Raised whenever somebody else may have written there: what was proved by an older one is not proved any more. */
  readonly epoch: number;
  /**
   * Since when (epoch ms, by the server that has the partition) the tip is this client's own, and no receipt of a message
   * was written there: who sent a message later has no receipt there, as long as the tip is this one.
   */
  readonly since: number;
}

/** A call under way that puts its token into the tip of a partition. */
export interface Sent {
  readonly partition: number;
  /** Of its first try. No two tries of a call have the same. */
  readonly token: string;
  /** Whether it leaves receipts of messages. */
  readonly leaves: boolean;
  /** By which the heads that it brings will be proved, as long as it is the partition's. */
  epoch: number;
  /** Whether the epoch begins with it: it will meet a tip that it does not know. */
  begins: boolean;
}

/** What was heard of it. */
export interface Heard {
  /** Whether the tip was another than the call knew. */
  readonly isStranger: boolean;
  /** Whether another try of it may have run, or may yet. */
  readonly inDoubt: boolean;
  /**
   * Epoch ms, as the script read it. This client's own idea of that time will not do in its place: it is late, by far if the
   * machine slept or the answer lay in a buffer, and then receipts would seem older than the messages that they are of.
   */
  readonly at: number;
}

interface Known {
  token: string;
  epoch: number;
  /** When the call ran with which the epoch begins; infinite until that is answered. */
  began: number;
  /** When this client left a receipt of a message there last. */
  left: number;
  /** In the order in which they were sent. */
  sent: Sent[];
}

/** What the script puts behind the token of a call that met a stranger: who finds it knows of nothing before that call. */
const MET = "!";
/** No epoch has it. */
const UNPROVED = 0;

export class Tips {
  readonly #known: Known[] = [];

  of(partition: number): Tip {
    const { token, epoch, began, left, sent } = this.#of(partition);
    // What is left by a call under way is not seen in the tip by the one behind it.
    const isLeaving = sent.some(({ leaves }) => leaves);
    return { token, epoch, since: isLeaving ? Number.POSITIVE_INFINITY : Math.max(began, left) };
  }

  /**
   * A call goes out that puts its token there, if it runs. The next one is told to expect that token, although this one has
   * no answer yet: if it finds it, this one has run, has found what it knew itself, and nobody has written in between.
   */
  send(partition: number, token: string, leaves: boolean): Sent {
    const known = this.#of(partition);
    const begins = known.token === "";
    const sent = { partition, token, leaves, epoch: known.epoch, begins };
    known.token = begins ? token + MET : token;
    known.sent.push(sent);
    return sent;
  }

  /**
   * It was answered. Where a try before the one that was answered had no answer, that may run yet, long after others have
   * written behind the later one: it would put there just what the next call expects of one that has met a stranger. So
   * then none is expected.
   *
   * @returns the epoch by which the heads that it brought are proved
   */
  hear(sent: Sent, { isStranger, inDoubt, at }: Heard): number {
    const known = this.#of(sent.partition);
    const place = take(known, sent);
    if (sent.leaves) known.left = Math.max(known.left, at);
    // It was in doubt, or a call in front of it has met a stranger: what it brought is proved by nothing.
    if (sent.epoch !== known.epoch) return UNPROVED;
    if (inDoubt) {
      doubt(known);
      return UNPROVED;
    }
    if (isStranger && !sent.begins) return begin(known, place, sent, at);
    if (sent.begins) known.began = at;
    return sent.epoch;
  }

  /** There was no answer: it may have run, or may yet, or not. */
  lose(sent: Sent): void {
    const known = this.#of(sent.partition);
    take(known, sent);
    if (sent.epoch === known.epoch) doubt(known);
  }

  /** The log of an entity there is not what it was said to be. */
  doubt(partition: number): void {
    doubt(this.#of(partition));
  }

  #of(partition: number): Known {
    let known = this.#known[partition];
    if (known === undefined) {
      known = { token: "", epoch: 1, began: Number.POSITIVE_INFINITY, left: 0, sent: [] };
      this.#known[partition] = known;
    }
    return known;
  }
}

/** @returns where those stand that were sent after it */
function take({ sent: all }: Known, sent: Sent): number {
  const place = all.indexOf(sent);
  if (place >= 0) all.splice(place, 1);
  return place;
}

/**
 * A call has met a stranger, unforeseen. So will those behind it that are under way, for they were told of its token without
 * the mark. What comes next follows the last of them, and only what that one brings is proved from there on.
 */
function begin(known: Known, place: number, sent: Sent, at: number): number {
  known.epoch += 1;
  const last = known.sent.length > place ? known.sent.at(-1) : undefined;
  known.token = (last ?? sent).token + MET;
  known.began = last === undefined ? at : Number.POSITIVE_INFINITY;
  if (last === undefined) return known.epoch;
  last.epoch = known.epoch;
  last.begins = true;
  return UNPROVED;
}

/** What is under way is of an epoch that is over; the next call begins one. */
function doubt(known: Known): void {
  known.epoch += 1;
  known.token = "";
  known.began = Number.POSITIVE_INFINITY;
}
