// What a backend brings to be held to the laws of the network's log and of its subscriptions, and how a law of them is made:
// on a network of its own, with as many clients as it needs, closed however it ends.

import assert from "node:assert/strict";
import type { LogEntry, LogLine } from "../../core/log-entry.ts";
import { LOG_START, type LogPlace } from "../../core/log-place.ts";
import { newId } from "../../core/reference.ts";
import type { Clock } from "../../ports/clock.ts";
import type { CursorAnswer, CursorChange, Cursors, SubscriptionCursor } from "../../ports/cursors.ts";
import type { Commit, EntityKey, EventStore } from "../../ports/event-store.ts";
import type { LogPage, LogReader, LogRecords } from "../../ports/log-reader.ts";
import type { Judged, Law } from "../backend.ts";
import { commitOf, type Head, headAfter, start } from "../event-store/client.ts";
import type { FaultyServer } from "../server.ts";

/** One client of a network: what it writes, and how it reads. */
export interface LogClient {
  readonly store: EventStore;
  readonly reader: LogReader;
  readonly cursors: Cursors;
}

export interface LogBackend extends Judged {
  readonly clock: Clock;
  /** Partitions are 0 to this, exclusive; at least 4. */
  readonly partitions: number;
  /** Another client. Laws close what they open. */
  open(network: string): Promise<LogClient>;
  /** A server that lost its last writes: takes away the entries of the log after one, and nothing else. */
  rollBackLog(network: string, partition: number, entry: string): Promise<void>;
  /** Writes an entry as a call would that named these lines. */
  plant(network: string, partition: number, callId: string, lines: readonly LogLine[]): Promise<void>;
  /** Retention: takes away the entity's records before `keepFrom`. */
  trimRecords(network: string, key: EntityKey, keepFrom: number): Promise<void>;
  /** Puts something that is not Pachyderm's in place of the log, or of a subscription's cursor. */
  spoil?(network: string, partition: number, part: "log" | { readonly cursor: string }): Promise<void>;
  readonly server?: FaultyServer;
}

const CALL_MS = 10_000;
/** Old enough for any entry of a law to be trimmed. */
const FAR_MS = 3_600_000;

export class Reader {
  readonly client: LogClient;
  readonly #clock: Clock;

  constructor(client: LogClient, clock: Clock) {
    this.client = client;
    this.#clock = clock;
  }

  deadline(ms = CALL_MS): number {
    return this.#clock.monotonicMs() + ms;
  }

  /** These commits, all of which must be written: in one call, or as many as there are lanes. */
  async call(...commits: readonly Commit[]): Promise<void> {
    const { store } = this.client;
    for (const call of Map.groupBy(commits, ({ key }) => store.lane(key.partition)).values()) {
      const results = await store.commit(call, this.deadline());
      assert.deepEqual(new Set(results.map(({ kind }) => kind)), new Set(["committed"]));
    }
  }

  /** So many calls of one commit of one record each. */
  async append(key: EntityKey, count: number, head: Head = start): Promise<Head> {
    let at = head;
    for (let i = 0; i < count; i++) {
      const commit = commitOf(key, at);
      await this.call(commit);
      at = headAfter(commit);
    }
    return at;
  }

  async page(partition: number, after: LogPlace = LOG_START, limit = 100): Promise<LogPage> {
    return await this.client.reader.read(partition, after, limit, this.deadline());
  }

  async entries(partition: number, after: LogPlace = LOG_START, limit = 100): Promise<readonly LogEntry[]> {
    return asPage(await this.page(partition, after, limit)).entries;
  }

  /** The place behind the entry of this number, from 0. */
  async placeOf(partition: number, number: number): Promise<LogPlace> {
    const entry =
      (await this.entries(partition, LOG_START, 1_000))[number] ?? assert.fail(`no entry ${number}`);
    return placeAfter(entry);
  }

  async records(
    partition: number,
    lines: readonly LogLine[],
  ): Promise<Extract<LogRecords, { kind: "records" }>> {
    const answer = await this.client.reader.records(partition, lines, this.deadline());
    return answer.kind === "records" ? answer : assert.fail(JSON.stringify(answer));
  }

  async cursor(name: string, partition = 0): Promise<SubscriptionCursor | undefined> {
    return asCursor(await this.client.cursors.load(name, partition, this.deadline()));
  }

  /** As it is after the change, which must leave one. */
  async change(name: string, change: CursorChange, partition = 0): Promise<SubscriptionCursor> {
    const answer = await this.client.cursors.change(name, partition, change, this.deadline());
    return asCursor(answer) ?? assert.fail("there is no cursor");
  }

  /** Trims as far as it may. @returns how many entries went */
  async trim(partition: number): Promise<number> {
    const before = this.client.store.now() + FAR_MS;
    const answer = await this.client.cursors.trim(partition, before, this.deadline());
    return answer.kind === "trimmed" ? answer.entries : assert.fail(JSON.stringify(answer));
  }
}

export function placeAfter({ entry, callId }: LogEntry): LogPlace {
  return { entry, callId, done: 0 };
}

export function asPage(page: LogPage): Extract<LogPage, { kind: "page" }> {
  return page.kind === "page" ? page : assert.fail(JSON.stringify(page));
}

export function asCursor(answer: CursorAnswer): SubscriptionCursor | undefined {
  return answer.kind === "cursor" ? answer.cursor : assert.fail(JSON.stringify(answer));
}

export class Stage {
  readonly backend: LogBackend;
  readonly network = `law-${newId().slice(-12)}`;
  readonly #opened: LogClient[] = [];

  constructor(backend: LogBackend) {
    this.backend = backend;
  }

  async open(): Promise<Reader> {
    const client = await this.backend.open(this.network);
    this.#opened.push(client);
    return new Reader(client, this.backend.clock);
  }

  async close(): Promise<void> {
    await Promise.all(
      this.#opened.flatMap(({ store, reader, cursors }) => [store.close(), reader.close(), cursors.close()]),
    );
  }
}

export function law(name: string, run: (reader: Reader, stage: Stage) => Promise<void>): Law<LogBackend> {
  return {
    name,
    async check({ backend }) {
      const stage = new Stage(backend);
      try {
        await run(await stage.open(), stage);
      } finally {
        await stage.close();
      }
    },
  };
}
