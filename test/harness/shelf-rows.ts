// Holds the rows of shelves' views against a replay of their streams: as they stand in Redis, read with plain ioredis, and as
// nodes read them. Rows and their order are made here once more, by hand.

import { isDeepStrictEqual } from "node:util";
import type { Cluster, Redis } from "ioredis";
import { partitionOf } from "../../src/core/partition.ts";
import { indexText } from "../../src/core/view-order.ts";
import { KeySpace } from "../../src/redis/keys.ts";
import type { StreamEntry } from "../../src/redis/record-format.ts";
import { formatRow } from "../../src/redis/row-format.ts";
import { emptyLedger, foldLedger, type LedgerState, type Shelf, shelf } from "../programs/ledger.ts";
import { readEntry } from "./ledger-log.ts";
import type { ReadRows } from "./read-rows.ts";

const PARTITIONS = 32;
type Row = Readonly<Record<string, number | string | boolean>>;
/** Of entities that have records. */
export type States = ReadonlyMap<string, LedgerState>;

/** @returns what the streams make, and all that is wrong with the rows and indexes that stand beside them */
export async function checkShelves(
  redis: Redis | Cluster,
  network: string,
  ids: readonly string[],
  code: Shelf = shelf,
): Promise<{ readonly states: States; readonly problems: readonly string[] }> {
  const states = new Map<string, LedgerState>();
  const problems: string[] = [];
  const byPartition = Map.groupBy(ids, (id) => partitionOf(id, PARTITIONS));
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const own = byPartition.get(partition) ?? [];
    const space = new KeySpace(network, PARTITIONS);
    const { folded, stored } = await readPartition(redis, space, partition, own, code);
    for (const [id, state] of folded) states.set(id, state);
    for (const table of stored) problems.push(...checkTable(table, rowsOf(code, table.name, folded)));
  }
  return { states, problems };
}

interface StoredTable {
  readonly name: string;
  readonly rows: Readonly<Record<string, string>>;
  readonly indexes: readonly { readonly field: string; readonly members: readonly string[] }[];
  readonly behind: readonly string[];
  readonly schemas: string | null;
}

/** All of one moment: a commit of a node that was killed may come as late as it likes. */
async function readPartition(
  redis: Redis | Cluster,
  space: KeySpace,
  partition: number,
  ids: readonly string[],
  { viewTables }: Shelf,
): Promise<{ readonly folded: States; readonly stored: readonly StoredTable[] }> {
  const multi = redis.multi();
  for (const id of ids) multi.xrange(space.stream({ id, partition }), "-", "+");
  for (const { table, schema, fields } of viewTables) {
    multi.hget(space.viewTables(partition), table);
    multi.smembers(space.viewBehind(partition, table, schema));
    multi.hgetall(space.viewRows(partition, table, schema));
    for (const field of fields)
      multi.zrange(space.viewIndex(partition, table, schema, field), "0", "-1", "WITHSCORES");
  }
  const replies = ((await multi.exec()) ?? []).map(([error, reply]) => {
    if (error !== null) throw error;
    return reply;
  });
  const next = (): unknown => replies.shift();
  const folded = new Map<string, LedgerState>();
  for (const id of ids) {
    const entries = next() as StreamEntry[];
    const state = entries.reduce((before, entry) => foldLedger(before, readEntry(entry).event), emptyLedger);
    if (entries.length > 0) folded.set(id, state);
  }
  const stored = viewTables.map(({ name, fields }): StoredTable => {
    const schemas = next() as string | null;
    const behind = next() as string[];
    const rows = next() as Record<string, string>;
    return {
      name,
      schemas,
      behind,
      rows,
      indexes: fields.map((field) => ({ field, members: pairsOf(next() as string[]) })),
    };
  });
  return { folded, stored };
}

/** Members and scores in turn: "<score> <member>" each. */
function pairsOf(reply: readonly string[]): readonly string[] {
  return reply.flatMap((member, i) => (i % 2 === 0 ? [`${reply[i + 1]} ${member}`] : []));
}

/** What an index should hold of a row. */
function placeOf(value: Row[string], id: string): string {
  if (typeof value === "number") return `${value} ${id}`;
  return `${typeof value === "boolean" ? "-inf" : "inf"} ${indexText(value)}\0${id}`;
}

function checkTable(
  { name, rows, indexes, behind, schemas }: StoredTable,
  wanted: ReadonlyMap<string, Row>,
): readonly string[] {
  const problems: string[] = [];
  const fields = indexes.map(({ field }) => field);
  if (schemas?.endsWith("=r") !== true) problems.push(`${name} is not built: ${schemas}`);
  if (behind.length > 0) problems.push(`${name}: behind ${behind.join()}`);
  for (const id of new Set([...wanted.keys(), ...Object.keys(rows)])) {
    const row = wanted.get(id);
    const values = fields.map((field) => (row?.[field] === undefined ? null : indexText(row[field])));
    const text = row === undefined ? undefined : formatRow({ row: JSON.stringify(row), values });
    if (rows[id] !== text) problems.push(`${name}: ${id} is ${rows[id]}, and the log makes ${text}`);
  }
  for (const { field, members } of indexes) {
    const should = [...wanted].flatMap(([id, row]) =>
      row[field] === undefined ? [] : [placeOf(row[field], id)],
    );
    if (!isDeepStrictEqual(members.toSorted(), should.toSorted()))
      problems.push(
        `${name} by ${field}: ${JSON.stringify(members)}, and the log makes ${JSON.stringify(should)}`,
      );
  }
  return problems;
}

/** All that is wrong with what a node read. */
export function checkRows(
  states: States,
  ids: readonly string[],
  read: readonly ReadRows[],
  code: Shelf = shelf,
): readonly string[] {
  const problems: string[] = [];
  const compare = (what: string, is: unknown, should: unknown): void => {
    if (isDeepStrictEqual(is, should)) return;
    problems.push(
      `${what}: ${JSON.stringify(is)?.slice(0, 2_000)}, and the log makes ${JSON.stringify(should)?.slice(0, 2_000)}`,
    );
  };
  for (const { view, got, count, by } of read) {
    const wanted = rowsOf(code, view, states);
    const should = ids.map((id) => wanted.get(id) ?? null);
    compare(`${view}.get`, got, should);
    compare(`${view}.count`, count, wanted.size);
    for (const [field, { up, down, count: counted }] of Object.entries(by)) {
      const sorted = [...wanted]
        .filter(([, row]) => row[field] !== undefined)
        .toSorted(([a, one], [b, other]) => order(one[field], other[field]) || (a < b ? -1 : 1))
        .map(([, row]) => row);
      compare(`${view} by ${field}`, up, sorted);
      compare(`${view} by ${field}, descending`, down, sorted.toReversed());
      compare(`${view} counted by ${field}`, counted, sorted.length);
    }
  }
  return problems;
}

/** Of one kind: numbers, texts of ASCII, or false before true. */
function order(a: Row[string] | undefined, b: Row[string] | undefined): number {
  if (a === undefined || b === undefined || a === b) return 0;
  return a < b ? -1 : 1;
}

function rowsOf(code: Shelf, view: string, states: States): ReadonlyMap<string, Row> {
  const { row } = Object.entries(code.views).find(([name]) => name === view)?.[1] ?? code.views.all;
  const rows = new Map<string, Row>();
  for (const [id, state] of states) {
    const made = row(state, { id });
    if (made !== null) rows.set(id, made as Row);
  }
  return rows;
}
