// Where the subscriptions stand, on Redis. Twin of memory/cursors.ts.

import type { Clock } from "../ports/clock.ts";
import type {
  CursorAnswer,
  CursorChange,
  CursorMove,
  Cursors,
  MoveResult,
  NamesAnswer,
  RowAnswer,
  RowsAnswer,
  TrimAnswer,
} from "../ports/cursors.ts";
import { Caller } from "./caller.ts";
import {
  type CursorName,
  runCursorChange,
  runCursorLoad,
  runCursorMove,
  runLogTrim,
} from "./cursor-calls.ts";
import { codeOf } from "./failure.ts";
import { Gatherer } from "./gatherer.ts";
import type { KeySpace } from "./keys.ts";
import { reached } from "./reach.ts";
import type { Client } from "./script.ts";

export interface RedisCursorsParts {
  /** A connection of its own: a move must not wait behind a page of the log. */
  readonly client: Client;
  readonly isCluster: boolean;
  readonly space: KeySpace;
  readonly clock: Clock;
}

const CALL_LOADS = 64;
const CALL_MOVES = 32;
/** Rows that one look brings, about. */
const ROWS = "500";
/** Subscriptions that are made while the log is trimmed; one who is made at each try is none. */
const TRIM_TRIES = 3;

type Refused = { readonly kind: "unavailable"; readonly reason: string };

export class RedisCursors implements Cursors {
  readonly #parts: RedisCursorsParts;
  readonly #caller: Caller;
  readonly #loads: Gatherer<CursorName, CursorAnswer>;
  readonly #moves: Gatherer<CursorMove, MoveResult>;

  constructor(parts: RedisCursorsParts) {
    const { space } = parts;
    this.#parts = parts;
    this.#caller = new Caller(parts.client, parts.clock);
    this.#loads = new Gatherer(CALL_LOADS, async (names, deadline) => {
      const answer = await this.#call((client) => runCursorLoad(client, space, names), deadline);
      return "kind" in answer ? names.map(() => answer) : answer;
    });
    this.#moves = new Gatherer(CALL_MOVES, async (moves, deadline) => {
      const answer = await this.#call((client) => runCursorMove(client, space, moves), deadline);
      return "kind" in answer ? moves.map(() => answer) : answer;
    });
  }

  load(name: string, partition: number, deadline: number): Promise<CursorAnswer> {
    return this.#loads.ask(this.#lane(partition), { name, partition }, deadline);
  }

  move(move: CursorMove, deadline: number): Promise<MoveResult> {
    return this.#moves.ask(this.#lane(move.partition), move, deadline);
  }

  change(name: string, partition: number, change: CursorChange, deadline: number): Promise<CursorAnswer> {
    const { space } = this.#parts;
    return this.#call((client) => runCursorChange(client, space, { name, partition }, change), deadline);
  }

  async row(name: string, partition: number, key: string, deadline: number): Promise<RowAnswer> {
    const rows = this.#parts.space.rows(name, partition);
    return await this.#call(
      (client) => foreign(async () => ({ kind: "row", row: await client.hget(rows, key) }) as const),
      deadline,
    );
  }

  async rows(name: string, partition: number, from: string | null, deadline: number): Promise<RowsAnswer> {
    const rows = this.#parts.space.rows(name, partition);
    return await this.#call((client) => foreign(() => scan(client, rows, from)), deadline);
  }

  async names(partition: number, deadline: number): Promise<NamesAnswer> {
    const key = this.#parts.space.subscriptions(partition);
    return await this.#call(
      (client) =>
        foreign(async () => ({ kind: "names", names: (await client.smembers(key)).toSorted() }) as const),
      deadline,
    );
  }

  async trim(partition: number, before: number, deadline: number): Promise<TrimAnswer> {
    let names: readonly string[] = [];
    for (let tries = 0; tries < TRIM_TRIES; tries++) {
      const given = names;
      const { space } = this.#parts;
      const answer = await this.#call(
        (client) => runLogTrim(client, space, partition, before, given),
        deadline,
      );
      if ("kind" in answer) return answer;
      if (answer[0] === "trimmed") return { kind: "trimmed", entries: answer[1] };
      if (answer[0] === "unreadable") return { kind: "unreadable", reason: answer[1] };
      names = answer.slice(1).map(String);
    }
    return { kind: "trimmed", entries: 0 };
  }

  async close(): Promise<void> {
    this.#caller.close();
  }

  #lane(partition: number): number {
    return this.#parts.isCluster ? partition : 0;
  }

  async #call<T>(run: (client: Client) => Promise<T>, deadline: number): Promise<T | Refused> {
    reached(this.#parts.client);
    const answer = await this.#caller.call(run, deadline);
    return answer.kind === "replied" ? answer.reply : { kind: "unavailable", reason: answer.reason };
  }
}

async function scan(
  client: Client,
  key: string,
  from: string | null,
): Promise<Extract<RowsAnswer, { kind: "rows" }>> {
  const [next, flat] = await client.hscan(key, from ?? "0", "COUNT", ROWS);
  const rows: [string, string][] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) rows.push([flat[i] ?? "", flat[i + 1] ?? ""]);
  return { kind: "rows", rows, next: next === "0" ? null : next };
}

/** A key of another type will not become ours by asking again. */
async function foreign<T>(
  ask: () => Promise<T>,
): Promise<T | { readonly kind: "unreadable"; readonly reason: string }> {
  try {
    return await ask();
  } catch (thrown) {
    if (thrown instanceof Error && codeOf(thrown) === "WRONGTYPE")
      return { kind: "unreadable", reason: thrown.message };
    throw thrown;
  }
}
