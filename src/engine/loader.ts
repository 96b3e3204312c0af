// Third step of a send, where the entity is cold (before: mailbox.ts, after: turn.ts): brings entities into memory, many
// in one call, long tails in pages.

import type { Catalog } from "../core/catalog.ts";
import { PachydermError, reasonOf } from "../core/errors.ts";
import type { EventStore, Loaded, LoadRequest } from "../ports/event-store.ts";
import { emptyHead } from "./head.ts";
import { Replay } from "./replay.ts";
import type { LoadNeed, Worker } from "./worker.ts";

/** Entities in one call: with the first page of each, a call takes some milliseconds of Redis at most. */
const CALL_LOADS = 64;
/** Records read at once beyond the first page of a load: they hold up everybody else on that Redis for 0.4 ms. */
const TAIL_PAGE = 1_000;
/** Such pages that are under way at once: so Redis reads, and the line is busy, while this process folds. */
const PAGES_AHEAD = 2;
/** After so many loads in a row that found nothing, what is not in memory is taken for new. */
const NEW_IN_A_ROW = 64;

interface Wanted {
  readonly worker: Worker;
  readonly need: LoadNeed;
}

export class Loader {
  readonly #store: EventStore;
  readonly #catalog: Catalog;
  readonly #touch: (worker: Worker) => void;
  #wanted = new Map<number, Wanted[]>();
  /** Loads since the last one that found something. */
  #newInARow = 0;

  constructor(store: EventStore, catalog: Catalog, touch: (worker: Worker) => void) {
    this.#store = store;
    this.#catalog = catalog;
    this.#touch = touch;
  }

  /** False: there is nothing to wait for, the entity is taken for new (docs/decisions/0032). */
  add(worker: Worker): boolean {
    if (this.#newInARow >= NEW_IN_A_ROW && worker.guessNew()) return false;
    const need = worker.startLoad();
    if (need === undefined) return true;
    const lane = this.#store.lane(worker.key.partition);
    const wanted = this.#wanted.get(lane);
    if (wanted === undefined) this.#wanted.set(lane, [{ worker, need }]);
    else wanted.push({ worker, need });
    return true;
  }

  flush(): void {
    if (this.#wanted.size === 0) return;
    const lanes = this.#wanted;
    this.#wanted = new Map();
    for (const wanted of lanes.values()) {
      for (let i = 0; i < wanted.length; i += CALL_LOADS) this.#load(wanted.slice(i, i + CALL_LOADS));
    }
  }

  #load(call: readonly Wanted[]): void {
    const requests = call.map(
      ({ worker: { key }, need: { schema, older } }): LoadRequest => ({ key, schema, older }),
    );
    const deadline = call.reduce((latest, { need }) => Math.max(latest, need.deadline), 0);
    // The port says that this cannot fail; were it to, senders must hear of it, and not wait for ever.
    this.#store.load(requests, deadline).then(
      (answers) => this.#answered(call, (i) => answers[i]),
      (thrown: unknown) => this.#answered(call, () => ({ kind: "unavailable", reason: String(thrown) })),
    );
  }

  #answered(call: readonly Wanted[], answerOf: (i: number) => Loaded | undefined): void {
    call.forEach((wanted, i) => {
      const answer = answerOf(i) ?? { kind: "unavailable", reason: "the store gave no answer for this load" };
      const replay = this.#fold(wanted, answer);
      if (replay === undefined) this.#touch(wanted.worker);
      else this.#readTail(wanted, replay);
    });
  }

  /** Folds the first page. Undefined: the worker knows already what came of it; else there is more to read. */
  #fold({ worker }: Wanted, answer: Loaded): Replay | undefined {
    if (answer.kind === "loaded" && answer.records.length === 0 && answer.snapshot === null) {
      this.#newInARow += 1;
      worker.ready(emptyHead); // new, as most are that are not in memory
      return undefined;
    }
    this.#newInARow = 0;
    const replay = new Replay(this.#catalog);
    try {
      if (answer.kind !== "loaded") throw loadError(answer);
      const { snapshot, records, more } = answer;
      const [first] = records;
      const started = snapshot === null || first === undefined || replay.startFrom(snapshot, first);
      // A snapshot that cannot be read is no loss: all that it says, the records say.
      if (!started || !replay.fold(records)) worker.loadAgain(false);
      else if (more) return replay;
      else worker.ready(replay.finish());
    } catch (thrown) {
      worker.loadFailed(asError(thrown));
    }
    return undefined;
  }

  /**
   * A long tail, in pages, some read ahead of the fold. Each page begins at the last record before it, whose commit
   * is compared: a log that is rolled back between two pages must not be folded from two histories.
   */
  async #readTail({ worker, need }: Wanted, replay: Replay): Promise<void> {
    const read = (from: number) => this.#store.read(worker.key, from, TAIL_PAGE, need.deadline);
    try {
      let ahead = new PagesAhead(read, replay.version);
      for (let more = true; more; ) {
        const answer = await ahead.next();
        if (answer.kind !== "loaded") throw loadError(answer);
        const last = answer.records.at(-1);
        // A page that brings nothing new is the last one, whatever the store says: it would be read for ever.
        more = answer.more && last !== undefined && last.version > replay.version;
        // A page that a store cut short: the next ones were asked for from too far on.
        if (more && last !== undefined && last.version !== ahead.end)
          ahead = new PagesAhead(read, last.version);
        if (!replay.fold(answer.records)) {
          worker.loadAgain(true);
          break;
        }
        if (!more) worker.ready(replay.finish());
      }
    } catch (thrown) {
      worker.loadFailed(asError(thrown));
    }
    this.#touch(worker);
  }
}

/** Versions follow on each other, so where a page begins is known before the one before it is there. */
class PagesAhead {
  readonly #read: (from: number) => Promise<Loaded>;
  readonly #pages: Promise<Loaded>[] = [];
  #from: number;
  /** The last version of the page that was given last, if it was a full one. */
  end: number;

  constructor(read: (from: number) => Promise<Loaded>, from: number) {
    this.#read = read;
    this.#from = from;
    this.end = from;
    for (let i = 0; i < PAGES_AHEAD; i++) this.#ask();
  }

  async next(): Promise<Loaded> {
    const page = await this.#pages.shift();
    if (page === undefined) throw new Error("no page was asked for"); // there are always some
    this.end += TAIL_PAGE - 1;
    if (page.kind === "loaded" && page.more) this.#ask();
    return page;
  }

  #ask(): void {
    this.#pages.push(this.#read(this.#from));
    this.#from += TAIL_PAGE - 1;
  }
}

function asError(thrown: unknown): PachydermError {
  return thrown instanceof PachydermError
    ? thrown
    : new PachydermError("STORE_UNAVAILABLE", reasonOf(thrown));
}

function loadError({ kind, reason }: Exclude<Loaded, { kind: "loaded" }>): PachydermError {
  return new PachydermError(kind === "unreadable" ? "UNREADABLE_EVENT" : "STORE_UNAVAILABLE", reason);
}
