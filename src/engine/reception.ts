// Where messages of other nodes come in: taken, or turned away in time for their sender to ask another node.

import type { Catalog } from "../core/catalog.ts";
import { PachydermError, reasonOf } from "../core/errors.ts";
import { copyJson, problemText } from "../core/json.ts";
import type { Clock } from "../ports/clock.ts";
import type { Meter } from "../ports/meter.ts";
import type { Parcel } from "../ports/transport.ts";
import { Chain, type Link } from "./chain.ts";
import type { Answer, Arrival, Sealed, Sender, Shape } from "./envelope.ts";
import { EFFECT_FRAME } from "./handover.ts";
import { KnownReferences } from "./known-references.ts";
import {
  LET_GO,
  type NotTaken,
  type Question,
  readQuestion,
  writeError,
  writeNotTaken,
  writeOk,
} from "./parcels.ts";
import type { Placement } from "./placement.ts";

export interface ReceptionParts {
  readonly placement: Placement;
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly meter: Meter | null;
  readonly maxMessageBytes: number;
  readonly partitionOf: (id: string) => number;
  /** Runs an effect that another node does not define. Never rejects. */
  readonly effect: (parcel: Parcel) => Promise<Parcel>;
  /** Hands a message to a worker. @param now monotonic ms @throws PachydermError what is said before the mailbox */
  readonly take: (sealed: Sealed, arrival: Arrival, sender: Sender, shape: Shape, now?: number) => void;
}

const asIs: Shape = (answer) => answer;

/** A message of another node that was taken, and waits for its answer. One that was let go is not answered again. */
class Taken implements Sender, Link<Taken> {
  previous: Taken | null = null;
  next: Taken | null = null;
  readonly #sealed: Sealed;
  readonly #answer: (parcel: Parcel) => void;
  readonly #all: Chain<Taken>;
  #isAnswered = false;

  constructor(sealed: Sealed, answer: (parcel: Parcel) => void, all: Chain<Taken>) {
    this.#sealed = sealed;
    this.#answer = answer;
    this.#all = all;
    all.append(this);
  }

  resolve(value: unknown, recorded: boolean): void {
    if (!this.#isAnswered) this.end(answerOf(this.#sealed, value as Answer, recorded));
  }

  reject(error: PachydermError, recorded: boolean): void {
    if (!this.#isAnswered) this.end(writeError(error, recorded));
  }

  end(parcel: Parcel): void {
    this.#isAnswered = true;
    this.#all.remove(this);
    this.#answer(parcel);
  }
}

export class Reception {
  readonly #parts: ReceptionParts;
  readonly #taken = new Chain<Taken>();
  readonly #references = new KnownReferences();

  constructor(parts: ReceptionParts) {
    this.#parts = parts;
  }

  /** Answers once, now or later; never throws. */
  receive(parcel: Parcel, answer: (parcel: Parcel) => void): void {
    const { clock, maxMessageBytes, meter, take } = this.#parts;
    if (parcel[0] === EFFECT_FRAME) {
      if (this.#parts.placement.isLeaving) answer(writeNotTaken("stopping", null));
      else void this.#parts.effect(parcel).then(answer);
      return;
    }
    const now = clock.monotonicMs();
    let question: Question;
    try {
      question = readQuestion(parcel, now, maxMessageBytes, this.#references);
    } catch (thrown) {
      // Both ends speak one version: so it is a fault, and the sender's error must name it.
      const message = `another node could not read the message: ${reasonOf(thrown)}`;
      answer(writeError(new PachydermError("INVALID_MESSAGE", message), false));
      return;
    }
    const { sealed, attempt } = question;
    const away = this.#turnsAway(question);
    if (away !== null) {
      answer(away);
      return;
    }
    const taken = new Taken(sealed, answer, this.#taken);
    try {
      take(sealed, { attempt, crossed: true }, taken, asIs, now);
      meter?.handledForAnother();
    } catch (thrown) {
      taken.end(refusalOf(thrown));
    }
  }

  /**
   * This node has lost Redis: what it has taken waits for that, perhaps for ever. Their senders begin another attempt
   * elsewhere, as if this node were frozen; what it still does with them finds, or is found by, what that one does.
   */
  letGo(): void {
    for (let taken = this.#taken.first; taken !== null; taken = this.#taken.first) taken.end(LET_GO);
  }

  /**
   * Null: it is to be taken. A first attempt is turned away where another node has the entity, so that there is one
   * worker; but once only (`hops`), for two nodes may each hold the other for the owner. A later attempt is here because
   * its sender cannot reach the owner, and is taken whatever this node thinks of that. But one that has lost Redis turns
   * away either, once: another may do better.
   */
  #turnsAway({ sealed: { reference }, attempt, hops }: Question): Parcel | null {
    const { placement, catalog, partitionOf } = this.#parts;
    const no = (why: NotTaken, to: string | null = null) => writeNotTaken(why, to);
    if (placement.isLeaving) return no("stopping");
    if (catalog.entity(reference.type) === undefined) return no("unhosted");
    if (hops > 0) return null;
    if (placement.isDetached) return no("detached");
    if (attempt > 1) return null;
    const partition = partitionOf(reference.id);
    if (placement.isHere(partition, reference.type)) return null;
    const other = placement.route(partition, reference.type);
    return other.kind === "there" ? no("moved", other.member.id) : null;
  }
}

/** A query's result may be anything where it was asked for; what goes to another node must be plain JSON. */
function answerOf(sealed: Sealed, answer: Answer, recorded: boolean): Parcel {
  if (typeof sealed.answer === "string" || answer.value === undefined) return writeOk(answer, recorded);
  try {
    copyJson(answer.value, Number.MAX_SAFE_INTEGER);
    return writeOk(answer, recorded);
  } catch (thrown) {
    const message = `the result of the query ${sealed.answer.query} is not plain JSON: ${problemText(thrown)}`;
    // The message itself was handled, if there was one: only what its sender wanted to see of it cannot be shown.
    const outcome = sealed.message === undefined ? "not-committed" : "unknown";
    return writeError(new PachydermError("HANDLER_FAILED", message, { outcome }), recorded);
  }
}

function refusalOf(thrown: unknown): Parcel {
  if (!(thrown instanceof PachydermError)) {
    return writeError(new PachydermError("HANDLER_FAILED", reasonOf(thrown), { cause: thrown }), false);
  }
  return thrown.code === "NODE_STOPPING" ? writeNotTaken("stopping", null) : writeError(thrown, false);
}
