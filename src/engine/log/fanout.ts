// One reader of a partition's log for all who follow an entity in it: what it reads it gives to each of them.

import type { LogEntry, LogLine } from "../../core/log-entry.ts";
import { LOG_START, type LogPlace } from "../../core/log-place.ts";
import type { StoredRecord } from "../../core/record.ts";
import type { Clock } from "../../ports/clock.ts";
import type { LogReader } from "../../ports/log-reader.ts";
import type { LogTail } from "./log-tail.ts";
import { Rest } from "./rest.ts";

/** Who follows an entity, as the reader sees it. */
export interface Hearer {
  /** Records of its entity, in order, some perhaps for the second time. */
  hear(records: readonly StoredRecord[]): void;
  /** The reader cannot tell what came: the log must be asked. */
  doubt(): void;
}

export interface FanoutParts {
  readonly reader: LogReader;
  readonly tail: LogTail;
  readonly clock: Clock;
  readonly partition: number;
}

const PAGE = 256;
const CALL_MS = 5_000;
const AGAIN_MS = 250;

export class Fanout {
  readonly #parts: FanoutParts;
  /** By the entity's id. */
  readonly #hearers = new Map<string, Set<Hearer>>();
  readonly #rest = new Rest();
  readonly #off: () => void;
  readonly #ready = Promise.withResolvers<void>();

  constructor(parts: FanoutParts) {
    this.#parts = parts;
    this.#off = parts.tail.watch(parts.partition, () => this.#rest.hint());
    void this.#work();
  }

  get isEmpty(): boolean {
    return this.#hearers.size === 0;
  }

  /** Resolves when whatever is committed from then on is heard. */
  async add(id: string, hearer: Hearer): Promise<void> {
    const hearers = this.#hearers.get(id);
    if (hearers === undefined) this.#hearers.set(id, new Set([hearer]));
    else hearers.add(hearer);
    await this.#ready.promise;
  }

  remove(id: string, hearer: Hearer): void {
    const hearers = this.#hearers.get(id);
    hearers?.delete(hearer);
    if (hearers?.size === 0) this.#hearers.delete(id);
  }

  close(): void {
    this.#off();
    this.#rest.end();
    this.#ready.resolve();
  }

  async #work(): Promise<void> {
    let place = await this.#end();
    this.#ready.resolve();
    while (!this.#rest.isEnded) {
      this.#rest.forgetHints();
      const { reader, clock, partition } = this.#parts;
      const page = await reader.read(partition, place, PAGE, clock.monotonicMs() + CALL_MS);
      if (page.kind === "diverged") {
        // From the end on again: what each of them has missed, or seen and lost, it finds by itself.
        place = await this.#end();
        this.#doubtAll();
      } else if (page.kind !== "page") {
        await this.#rest.until("ended", AGAIN_MS);
      } else {
        if (page.truncated > 0) this.#doubtAll();
        await this.#tell(page.entries);
        const last = page.entries.at(-1);
        if (last !== undefined) place = { entry: last.entry, callId: last.callId, done: 0 };
        if (!page.more) await this.#rest.until("hinted", null);
      }
    }
  }

  /** Asked until there is an answer. */
  async #end(): Promise<LogPlace> {
    const { reader, clock, partition } = this.#parts;
    while (!this.#rest.isEnded) {
      const answer = await reader.ends([partition], clock.monotonicMs() + CALL_MS);
      if (answer.kind === "ends") return answer.places[0] ?? LOG_START;
      await this.#rest.until("ended", AGAIN_MS);
    }
    return LOG_START;
  }

  async #tell(entries: readonly LogEntry[]): Promise<void> {
    const { reader, clock, partition } = this.#parts;
    let lines: readonly LogLine[] = entries.flatMap((entry) =>
      entry.lines.filter(({ id }) => this.#hearers.has(id)),
    );
    while (lines.length > 0 && !this.#rest.isEnded) {
      const answer = await reader.records(partition, lines, clock.monotonicMs() + CALL_MS);
      if (answer.kind !== "records") {
        for (const { id } of lines) for (const hearer of this.#hearers.get(id) ?? []) hearer.doubt();
        return;
      }
      for (const [i, records] of answer.lines.entries()) {
        const id = lines[i]?.id ?? "";
        for (const hearer of this.#hearers.get(id) ?? []) {
          if (records.length > 0) hearer.hear(records);
          else hearer.doubt();
        }
      }
      lines = lines.slice(answer.lines.length);
    }
  }

  #doubtAll(): void {
    for (const hearers of this.#hearers.values()) for (const hearer of hearers) hearer.doubt();
  }
}
