// Rows in an index of many, of all kinds and with many of one value, whatever span and page is asked for: as a plain list says,
// in order. (The memory's twin too, where an index is such a list.)

import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { compareTexts, type IndexValue, indexText, memberOf, spanOf } from "../../src/core/view-order.ts";
import { Client, newView, stepOf } from "../../src/laws/views/law.ts";
import { spanBehind } from "../../src/node/view-page.ts";
import type { ViewKey } from "../../src/ports/views.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { rounds } from "../harness/rounds.ts";
import { memoryViews, redisViews } from "../harness/views-backends.ts";

const server = await RedisServer.start({ nodeUser: true });
afterAll(() => server.stop());

/** More than Redis keeps as a plain list. */
const MANY = 400;
/** As long as some pieces that the script compares in, and alike up to the last letters. */
const LONG = "x".repeat(70);
const POOL: readonly IndexValue[] = [
  false,
  true,
  -1e300,
  -1,
  0,
  0.1,
  1,
  1e21,
  "",
  "a",
  "a\0",
  "\x01",
  "é",
  "z",
  "Z",
  LONG,
  `${LONG}a`,
  `${LONG}b`,
];
const numbers = POOL.filter((value) => typeof value === "number");
const texts = POOL.filter((value) => typeof value === "string");

/** What an index holds: all kinds; one kind; one value. */
const INDEXES: readonly (readonly IndexValue[])[] = [POOL, numbers, texts, [false, true], [1], ["a"]];

/** Of one kind, mostly such as are there. */
const ends = fc.oneof(
  fc.tuple(fc.constantFrom(false, true, undefined), fc.constantFrom(false, true, undefined)),
  fc.tuple(fc.option(numberNear(), { nil: undefined }), fc.option(numberNear(), { nil: undefined })),
  fc.tuple(fc.option(textNear(), { nil: undefined }), fc.option(textNear(), { nil: undefined })),
);
const queries: fc.Arbitrary<Query> = fc.record({
  ends,
  limit: fc.integer({ min: 1, max: 150 }),
  descending: fc.boolean(),
});

function numberNear(): fc.Arbitrary<IndexValue> {
  return fc.oneof(fc.constantFrom(...numbers), fc.double({ noNaN: true, noDefaultInfinity: true }));
}

function textNear(): fc.Arbitrary<IndexValue> {
  return fc.oneof(fc.constantFrom(...texts), fc.string({ unit: "binary", maxLength: 3 }));
}

async function fill(client: Client, view: ViewKey, pool: readonly IndexValue[]): Promise<readonly string[]> {
  const members: string[] = [];
  const entities = Array.from({ length: MANY }, () => client.entity());
  const commits = entities.map((entity, i) => {
    const size = pool[(i * 7) % pool.length];
    if (size === undefined) throw new Error("no such value");
    members.push(memberOf(indexText(size), entity.key.id));
    return entity.commit([stepOf(view, { size })]);
  });
  const results = await client.store.commit(commits, client.deadline());
  expect(new Set(results.map(({ kind }) => kind))).toEqual(new Set(["committed"]));
  return members.toSorted(compareTexts);
}

interface Query {
  readonly ends: readonly [from: IndexValue | undefined, to: IndexValue | undefined];
  readonly limit: number;
  readonly descending: boolean;
}

/** All pages of one query, and its count, beside the list. */
async function check(client: Client, view: ViewKey, members: readonly string[], query: Query): Promise<void> {
  const { limit, descending } = query;
  const [from, to] = query.ends;
  let span = spanOf(from, to);
  const { from: first, to: end } = span;
  const all = members.filter((member) => compareTexts(member, first) >= 0 && compareTexts(member, end) < 0);
  if (descending) all.reverse();
  const asked = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
  expect(await client.count(view, "size", asked)).toBe(all.length);
  for (let at = 0; ; at += limit) {
    const requests = [{ partition: 0, span: { field: "size", ...span }, descending, limit }];
    const [found] = await client.views.find(view, requests, client.deadline());
    if (found?.kind !== "rows") throw new Error(JSON.stringify(found));
    const wanted = all.slice(at, at + limit);
    expect(found.rows.map(({ member }) => member)).toEqual(wanted);
    expect([found.end, found.more]).toEqual([wanted.at(-1) ?? "", wanted.length === limit]);
    if (!found.more) return;
    span = spanBehind(span, found.end, descending);
  }
}

for (const backend of [memoryViews(), redisViews(server.nodeUrl)]) {
  test(`pages and counts of an index are those of a list in order (${backend.name})`, async () => {
    const { store, views } = await backend.open();
    try {
      const client = new Client(store, views, backend.clock);
      for (const pool of INDEXES) {
        const view = newView();
        await client.ready(view);
        const members = await fill(client, view, pool);
        for (const value of new Set(pool)) {
          for (const descending of [false, true])
            await check(client, view, members, { ends: [value, value], limit: 15, descending });
        }
        const run = fc.asyncProperty(queries, (query) => check(client, view, members, query));
        await fc.assert(run, { numRuns: rounds(40, 1_000) });
      }
    } finally {
      await Promise.all([store.close(), views.close()]);
      await backend.close();
    }
  });
}
