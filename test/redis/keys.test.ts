// Keys never change, for what is stored is found by them; and docs/redis.md tells all of them.

import { readFileSync } from "node:fs";
import calculateSlot from "cluster-key-slot";
import { expect, test } from "vitest";
import { KeySpace, keyTable, metaKey, metaTable } from "../../src/redis/keys.ts";

const docs = readFileSync(new URL("../../docs/redis.md", import.meta.url), "utf8");
const id = "0190f3a0-1c2d-7e4f-8a5b-6c7d8e9f0a1b";

/** The rows of a table of keys: the key, and what it holds. */
function rowsOf(markdown: string, after: string): readonly (readonly [key: string, holds: string])[] {
  const [, rest = ""] = markdown.split(`\n| key (after ${after}) `);
  const [, table = ""] = /^.*\n\|[ -|]+\n((?:\|.*\n)+)/.exec(rest) ?? [];
  return [...table.matchAll(/^\| `([^`]+)` \| [^|]+ \| ([^|]+) \|/gm)].map(([, key = "", holds = ""]) => [
    key,
    holds,
  ]);
}

/** Whether each row tells what the code's table says, in its order, and none is left over. */
function agrees(
  markdown: string,
  after = "the tag",
  kinds: Readonly<Record<string, string>> = keyTable,
): boolean {
  const rows = rowsOf(markdown, after);
  const table = Object.entries(kinds);
  return (
    rows.length === table.length &&
    table.every(([key, holds], i) => rows[i]?.[0] === key && rows[i]?.[1].startsWith(holds))
  );
}

test("docs/redis.md tells every kind of key, and no other", () => {
  expect(agrees(docs)).toBe(true);
  const row = docs.split("\n").find((line) => line.startsWith("| `s:<id>`")) ?? "";
  expect(agrees(docs.replace(`${row}\n`, ""))).toBe(false);
  expect(agrees(docs.replace(row, `${row}\n${row.replace("s:", "z:")}`))).toBe(false);
  expect(agrees(docs.replace("its newest snapshot", "its first snapshot"))).toBe(false);
});

test("docs/redis.md tells every key and channel of the network as a whole, and no other", () => {
  const after = `\`${metaKey("<network>").replace("settings", "")}\``;
  expect(agrees(docs, after, metaTable)).toBe(true);
  const row = docs.split("\n").find((line) => line.startsWith("| `beats`")) ?? "";
  expect(agrees(docs.replace(`${row}\n`, ""), after, metaTable)).toBe(false);
  expect(agrees(docs.replace(row, `${row}\n${row.replace("beats", "beat")}`), after, metaTable)).toBe(false);
  expect(agrees(docs.replace("until when each node lives", "who lives"), after, metaTable)).toBe(false);
});

test("golden: the keys of an entity, its partition and its network", () => {
  const space = new KeySpace("main", 32);
  const key = { id, partition: 10 };
  const tag = "{main:10.41}:";
  expect(space.stream(key)).toBe(`${tag}e:${id}`);
  expect(space.snapshot(key)).toBe(`${tag}s:${id}`);
  expect(space.tip(10)).toBe(`${tag}tip`);
  expect(space.log(10)).toBe(`${tag}log`);
  expect(space.receipt(key, { kind: "k", key: "{a}:b" })).toBe(`${tag}r:${id}:k:{a}:b`);
  expect(space.due(10)).toBe(`${tag}t`);
  expect(space.timers(key)).toBe(`${tag}t:${id}`);
  expect(space.timersOf(10)).toBe(`${tag}t:`);
  expect(space.lease(10)).toBe(`${tag}lease`);
  expect(space.cursor("mailer", 10)).toBe(`${tag}c:mailer`);
  expect(space.rows("mailer", 10)).toBe(`${tag}p:mailer`);
  expect(space.subscriptions(10)).toBe(`${tag}subscriptions`);
  expect(space.viewTables(10)).toBe(`${tag}v`);
  expect(space.viewRows(10, "cart:open", "1.total")).toBe(`${tag}v:cart:open:1.total`);
  expect(space.viewIndex(10, "cart:open", "1.total", "total")).toBe(`${tag}v:cart:open:1.total:total`);
  expect(space.viewBehind(10, "cart:open", "1.total")).toBe(`${tag}v:cart:open:1.total:?`);
  expect(metaKey("main")).toBe("{main:meta}:settings");
  expect(metaKey("main", "nodes")).toBe("{main:meta}:nodes");
  expect(metaKey("main", "beats")).toBe("{main:meta}:beats");
  expect(metaKey("main", "nudge")).toBe("{main:meta}:nudge");
});

test("every key that is built is of a kind in the table, and each kind is built", () => {
  const space = new KeySpace("main", 1);
  const key = { id, partition: 0 };
  const built = [
    space.stream(key),
    space.snapshot(key),
    space.tip(0),
    space.log(0),
    space.receipt(key, { kind: "t", key: "any" }),
    `${space.queuePrefix(0)}:effects:<BullMQ's>`,
    space.due(0),
    space.timers(key),
    space.ids(0),
    space.fence(0),
    space.lease(0),
    space.cursor("<subscription>", 0),
    space.rows("<subscription>", 0),
    space.subscriptions(0),
    space.viewTables(0),
    space.viewRows(0, "<type>:<view>", "<schema>"),
    space.viewIndex(0, "<type>:<view>", "<schema>", "<field>"),
    space.viewBehind(0, "<type>:<view>", "<schema>"),
  ];
  const kinds = built.map((one) => one.replace("{main:0}:", "").replace(id, "<id>"));
  const table = Object.keys(keyTable).map((kind) => kind.replace("<k, m or t>", "t").replace("<key>", "any"));
  expect(kinds).toEqual(table);
});

test.each([
  ["main", "0.11 1.23 2.62 3.50 4.132 5.30 6.71 7.43 8.21 9.13 10.41 11.73 12.43 13.71 14.52 15.60", 32],
  ["a-network", "0.2 1.4 2.2 3.4", 4],
  ["main", "0", 1],
])("golden: the tags of the network %s begin with %s, of %i partitions", (network, tags, partitions) => {
  const space = new KeySpace(network, partitions);
  const found = tags.split(" ").map((_, p) => /^\{[^:]+:([^}]+)\}/.exec(space.log(p))?.[1]);
  expect(found.join(" ")).toBe(tags);
});

test.each([1, 2, 3, 32, 100, 1_024])(
  "%i partitions are spread evenly over the slots of a cluster",
  (partitions) => {
    const space = new KeySpace("spread", partitions);
    for (let p = 0; p < partitions; p++) {
      const slot = calculateSlot(space.log(p));
      expect(slot).toBeGreaterThanOrEqual(Math.floor((p * 16_384) / partitions));
      expect(slot).toBeLessThan(Math.floor(((p + 1) * 16_384) / partitions));
    }
  },
);
