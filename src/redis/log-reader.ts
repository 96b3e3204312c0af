// The network's log on Redis, read. Twin of memory/log-reader.ts.

import { type LogLine, recordsOfLine } from "../core/log-entry.ts";
import type { LogPlace } from "../core/log-place.ts";
import type { StoredRecord } from "../core/record.ts";
import type { Clock } from "../ports/clock.ts";
import type { AppendListener, LogEnds, LogPage, LogReader, LogRecords } from "../ports/log-reader.ts";
import type { AppendHints } from "./append-hints.ts";
import { Caller } from "./caller.ts";
import { Gatherer } from "./gatherer.ts";
import type { KeySpace } from "./keys.ts";
import {
  type End,
  type Range,
  type RangeAnswer,
  type ReadRequest,
  rangesOf,
  runLogEnds,
  runLogRead,
  runLogRecords,
} from "./log-calls.ts";
import { reached } from "./reach.ts";
import type { Client } from "./script.ts";

export interface RedisLogReaderParts {
  /** A connection of its own: a page of the log must not stand before the loads of entities. */
  readonly client: Client;
  readonly isCluster: boolean;
  readonly space: KeySpace;
  readonly clock: Clock;
  readonly hints: AppendHints;
}

/** Partitions that one call reads; and characters of records, which are in memory of both sides at once. */
const CALL_READS = 64;
const CALL_RANGES = 512;
const BUDGET = 4 * 1_048_576;

type Refused = { readonly kind: "unavailable"; readonly reason: string };

export class RedisLogReader implements LogReader {
  readonly #parts: RedisLogReaderParts;
  readonly #caller: Caller;
  readonly #reads: Gatherer<ReadRequest, LogPage>;
  readonly #ranges: Gatherer<Range, RangeAnswer | Refused | null>;
  readonly #ends: Gatherer<number, End | Refused>;

  constructor(parts: RedisLogReaderParts) {
    const { space } = parts;
    this.#parts = parts;
    this.#caller = new Caller(parts.client, parts.clock);
    this.#reads = new Gatherer(CALL_READS, (requests, deadline) =>
      this.#call(requests, deadline, (client) => runLogRead(client, space, requests)),
    );
    this.#ranges = new Gatherer(CALL_RANGES, async (ranges, deadline) => {
      const answers = await this.#call(ranges, deadline, (client) =>
        runLogRecords(client, space, ranges, BUDGET),
      );
      return ranges.map((_, i) => answers[i] ?? null); // null: there was no room for it
    });
    this.#ends = new Gatherer(CALL_READS, (partitions, deadline) =>
      this.#call(partitions, deadline, (client) => runLogEnds(client, space, partitions)),
    );
  }

  read(partition: number, after: LogPlace, limit: number, deadline: number): Promise<LogPage> {
    return this.#reads.ask(this.#lane(partition), { partition, after, limit }, deadline);
  }

  async records(partition: number, lines: readonly LogLine[], deadline: number): Promise<LogRecords> {
    const { ranges, rangeOf } = rangesOf(partition, lines);
    const found: (readonly StoredRecord[])[] = [];
    // What one call had no room for is asked for again, so that the first line always comes.
    while (found.length === 0 && ranges.length > 0) {
      const answers = await Promise.all(
        ranges.map((range) => this.#ranges.ask(this.#lane(partition), range, deadline)),
      );
      for (const answer of answers) if (answer !== null && answer.kind !== "records") return answer;
      for (const [i, line] of lines.entries()) {
        const answer = answers[rangeOf[i] ?? 0];
        if (answer?.kind !== "records") break;
        found.push(recordsOfLine(answer.records, line));
      }
    }
    return { kind: "records", lines: found };
  }

  async ends(partitions: readonly number[], deadline: number): Promise<LogEnds> {
    const answers = await Promise.all(
      partitions.map((partition) => this.#ends.ask(this.#lane(partition), partition, deadline)),
    );
    const places: LogPlace[] = [];
    for (const answer of answers) {
      if ("kind" in answer) return answer;
      places.push(answer);
    }
    return { kind: "ends", places };
  }

  onAppend(listener: AppendListener): () => void {
    return this.#parts.hints.on(listener);
  }

  onReconnect(listener: () => void): () => void {
    const { client, isCluster } = this.#parts;
    // A cluster's client is ready for as long as it knows a master: a new connection to one is told by "+node".
    const event = isCluster ? "+node" : "ready";
    client.on(event, listener);
    return () => void client.off(event, listener);
  }

  async close(): Promise<void> {
    this.#caller.close();
  }

  /** On a cluster a call has the keys of one slot. */
  #lane(partition: number): number {
    return this.#parts.isCluster ? partition : 0;
  }

  async #call<Q, A>(
    questions: readonly Q[],
    deadline: number,
    run: (client: Client) => Promise<readonly A[]>,
  ): Promise<readonly (A | Refused)[]> {
    reached(this.#parts.client);
    const answer = await this.#caller.call(run, deadline);
    if (answer.kind === "replied") return answer.reply;
    return questions.map(() => ({ kind: "unavailable", reason: answer.reason }));
  }
}
