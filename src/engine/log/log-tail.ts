// Tells whoever waits for a partition's log that there may be something new: at once where this process wrote it, else by
// looking at the ends of all watched logs together. One for a node, however many wait.

import type { Clock } from "../../ports/clock.ts";
import type { LogReader } from "../../ports/log-reader.ts";

/** Between two rounds of hints: what comes meanwhile is read together. */
const GATHER_MS = 3;
/** Between two looks: where others write, and where none was seen to for a while. */
const BUSY_MS = 8;
const QUIET_MS = 50;
const LOOK_MS = 2_000;

interface Watched {
  /** The end when it was last looked at; "" where it is not known. */
  end: string;
  /** Whether this process has written there since. */
  own: boolean;
  readonly hints: Set<() => void>;
}

export class LogTail {
  readonly #reader: LogReader;
  readonly #clock: Clock;
  readonly #watched = new Map<number, Watched>();
  readonly #off: () => void;
  readonly #due = new Set<number>();
  #hintedAt = 0;
  #hinting: NodeJS.Timeout | undefined;
  #looking: NodeJS.Timeout | undefined;
  #pauseMs = QUIET_MS;
  #closed = false;

  constructor(reader: LogReader, clock: Clock) {
    this.#reader = reader;
    this.#clock = clock;
    this.#off = reader.onAppend((partition) => this.#written(partition));
  }

  /** Logs that somebody waits for. */
  get watched(): number {
    return this.#watched.size;
  }

  /** @param hint called when there may be something new; it may come for nothing. Returns the function that ends it. */
  watch(partition: number, hint: () => void): () => void {
    const watched = this.#watched.get(partition) ?? { end: "", own: false, hints: new Set() };
    watched.hints.add(hint);
    this.#watched.set(partition, watched);
    this.#schedule();
    return () => {
      watched.hints.delete(hint);
      if (watched.hints.size === 0 && this.#watched.get(partition) === watched)
        this.#watched.delete(partition);
    };
  }

  close(): void {
    this.#closed = true;
    this.#off();
    clearTimeout(this.#hinting);
    clearTimeout(this.#looking);
  }

  #written(partition: number): void {
    const watched = this.#watched.get(partition);
    if (watched === undefined) return;
    watched.own = true;
    this.#hintSoon(partition);
  }

  #hintSoon(partition: number): void {
    this.#due.add(partition);
    if (this.#hinting !== undefined || this.#closed) return;
    const wait = Math.max(0, this.#hintedAt + GATHER_MS - this.#clock.monotonicMs());
    // It holds the program: an embedded one has nothing else that does, and would end before whoever waits here is told.
    this.#hinting = setTimeout(() => this.#hint(), wait);
  }

  #hint(): void {
    this.#hinting = undefined;
    this.#hintedAt = this.#clock.monotonicMs();
    const due = [...this.#due];
    this.#due.clear();
    for (const partition of due) for (const hint of [...(this.#watched.get(partition)?.hints ?? [])]) hint();
  }

  #schedule(): void {
    if (this.#looking !== undefined || this.#closed || this.#watched.size === 0) return;
    this.#looking = setTimeout(() => void this.#look(), this.#pauseMs);
    this.#looking.unref();
  }

  async #look(): Promise<void> {
    const partitions = [...this.#watched.keys()];
    const answer = await this.#reader.ends(partitions, this.#clock.monotonicMs() + LOOK_MS);
    this.#looking = undefined;
    let byOthers = false;
    // Where it cannot be asked, or read, whoever waits finds that out by itself.
    partitions.forEach((partition, i) => {
      const watched = this.#watched.get(partition);
      const end = answer.kind === "ends" ? (answer.places[i]?.entry ?? "") : "";
      if (watched === undefined || (end === watched.end && end !== "")) return;
      if (!watched.own && watched.end !== "" && end !== "") byOthers = true;
      // Told of what this process wrote, too: somebody else may have written after it.
      this.#hintSoon(partition);
      watched.own = false;
      watched.end = end;
    });
    this.#pauseMs = byOthers ? BUSY_MS : Math.min(QUIET_MS, this.#pauseMs * 1.5);
    this.#schedule();
  }
}
