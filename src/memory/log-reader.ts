// The network's log in this process's memory, read. Twin of redis/log-reader.ts.

import { type LogLine, recordsOfLine } from "../core/log-entry.ts";
import type { LogPlace } from "../core/log-place.ts";
import type { StoredRecord } from "../core/record.ts";
import type { Clock } from "../ports/clock.ts";
import type { AppendListener, LogEnds, LogPage, LogReader, LogRecords } from "../ports/log-reader.ts";
import { later } from "./later.ts";
import type { MemoryLog } from "./memory-log.ts";

export class MemoryLogReader implements LogReader {
  readonly #clock: Clock;
  readonly #log: MemoryLog;
  #closed = false;

  /** @param log the data, which a store of this process writes */
  constructor(clock: Clock, log: MemoryLog) {
    this.#clock = clock;
    this.#log = log;
  }

  async read(partition: number, after: LogPlace, limit: number, deadline: number): Promise<LogPage> {
    return await later(this.#unavailable(deadline) ?? this.#log.partition(partition).read(after, limit));
  }

  async records(partition: number, lines: readonly LogLine[], deadline: number): Promise<LogRecords> {
    const unavailable = this.#unavailable(deadline);
    if (unavailable !== null) return await later(unavailable);
    return await later({
      kind: "records",
      lines: lines.map((line) => this.#recordsOf(partition, line)),
    } as const);
  }

  async ends(partitions: readonly number[], deadline: number): Promise<LogEnds> {
    const places = partitions.map((partition) => this.#log.partition(partition).end);
    return await later(this.#unavailable(deadline) ?? ({ kind: "ends", places } as const));
  }

  onAppend(listener: AppendListener): () => void {
    return this.#log.onAppend(listener);
  }

  onReconnect(): () => void {
    return () => {};
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #recordsOf(partition: number, line: LogLine): readonly StoredRecord[] {
    const entity = this.#log.find({ id: line.id, partition });
    if (entity === undefined) return [];
    const versions = Array.from({ length: line.count }, (_, i) => line.first + i);
    const kept = versions.map((version) => entity.at(version)).filter((record) => record !== undefined);
    return recordsOfLine(kept, line);
  }

  #unavailable(deadline: number): { readonly kind: "unavailable"; readonly reason: string } | null {
    if (this.#closed) return { kind: "unavailable", reason: "this node has closed its reader of the log" };
    if (this.#clock.monotonicMs() < deadline) return null;
    return { kind: "unavailable", reason: "there was no time left" };
  }
}
