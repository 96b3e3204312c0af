// The header of each Lua file is what its typed binding sends and reads: calls are taken apart by what the header says.

import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import calculateSlot from "cluster-key-slot";
import { expect, test } from "vitest";
import type { Commit, CommitResult, ReceiptStep } from "../../src/ports/event-store.ts";
import {
  commitHeader,
  commitScript,
  decodeCommits,
  encodeCommits,
  type Group,
} from "../../src/redis/commit.ts";
import { commitOneHeader, commitOneScript, encodeOne } from "../../src/redis/commit-one.ts";
import {
  cursorChangeHeader,
  cursorChangeScript,
  cursorLoadHeader,
  cursorLoadScript,
  cursorMoveHeader,
  cursorMoveScript,
  logTrimHeader,
  logTrimScript,
} from "../../src/redis/cursor-calls.ts";
import { dueHeader, dueScript } from "../../src/redis/due.ts";
import { findHeader, findScript } from "../../src/redis/find.ts";
import { KeySpace } from "../../src/redis/keys.ts";
import { loadHeader, loadScript } from "../../src/redis/load.ts";
import {
  logEndsHeader,
  logEndsScript,
  logReadHeader,
  logReadScript,
  logRecordsHeader,
  logRecordsScript,
} from "../../src/redis/log-calls.ts";
import { membersHeader, membersScript } from "../../src/redis/members.ts";
import type { ScriptArgument } from "../../src/redis/script-command.ts";
import { setAsideHeader, setAsideScript } from "../../src/redis/set-aside.ts";
import { Tips } from "../../src/redis/tips.ts";
import { trimHeader, trimScript } from "../../src/redis/trim.ts";
import {
  viewChangeHeader,
  viewChangeScript,
  viewReadHeader,
  viewReadScript,
} from "../../src/redis/view-calls.ts";
import { CommitCallReader, formsOf, sectionOf, variantsOf, wordsOf } from "../harness/lua-header.ts";

const PARTITIONS = 4;
const space = new KeySpace("headers", PARTITIONS);

const looking: ReceiptStep = { kind: "k", key: "looked for", write: null, notAfter: null };
const writing: ReceiptStep = { kind: "m", key: "written", write: { value: "v", ttlMs: 5.2 }, notAfter: null };
const fromAfar: ReceiptStep = { kind: "m", key: "seen", write: null, notAfter: 77 };
const again: ReceiptStep = { kind: "m", key: "again", write: { value: "w", ttlMs: 8 }, notAfter: 78 };

function commit(id: string, records: number, parts: Partial<Commit> = {}): Commit {
  return {
    key: { id, partition: 0 },
    type: "account",
    commitId: `commit-${id}`,
    expected: { version: 1, commitId: "before" },
    records: Array.from({ length: records }, (_, i) => ({
      messageId: `m${i}`,
      event: `"${id}${i}"`,
      reply: "",
    })),
    receipts: [],
    snapshot: null,
    ...parts,
  };
}

/** What a first attempt that came from another node looks for: nobody can have written it before 50. */
const sentLately: ReceiptStep = { kind: "m", key: "lately", write: null, notAfter: 99, notBefore: 50 };

function encode(all: readonly Commit[], withLog = true, tips = new Tips(), trusting = true) {
  return encodeCommits({ space, withLog, tips, trusting, encoder: null }, all);
}

function textsOf(args: readonly ScriptArgument[]): readonly string[] {
  return args.map((one) => (typeof one === "string" ? one : Buffer.from(one).toString("latin1")));
}

/** Of every form, mixed, and of two partitions. */
const commits: readonly Commit[] = [
  commit("a", 1),
  commit("b", 3, { key: { id: "b", partition: 2 } }),
  commit("c", 0, { receipts: [looking, fromAfar, again] }),
  commit("d", 2, { receipts: [writing], snapshot: { version: 2, schema: 3, state: '"s"' } }),
  commit("e", 0, { key: { id: "e", partition: 2 } }),
  commit("f", 1, { expected: { version: 7, commitId: "before" } }),
  commit("t", 1, {
    firings: [{ name: "x y", generation: "g-1", dueAt: 99, missed: 3 }],
    timers: [
      { name: "x y", set: null },
      { name: "z", set: { generation: "g-2", dueAt: 1_000, everyMs: 50, message: '{"type":"due"}' } },
    ],
  }),
  commit("g", 1, { destroy: true }),
  commit("v", 1, {
    rows: [
      { table: "account:all", schema: "2.name.size", mode: "changed", row: '{"n":1}', values: ["té", null] },
      { table: "account:bare", schema: "1", mode: "repair", row: null, values: [] },
    ],
  }),
  commit("h", 1, { expected: { version: 0, commitId: "" } }),
  commit("i", 1, { expected: { version: 8, commitId: "proved", proof: 1 } }),
  commit("j", 0, { key: { id: "j", partition: 3 } }),
  commit("k", 1, { expected: { version: 0, commitId: "" }, receipts: [looking] }),
  commit("n", 2, { expected: { version: 8, commitId: "proved", proof: 1 } }),
];

test("commit.lua: the header names what the binding names", () => {
  const section = sectionOf(commitScript, "ARGV");
  const { group, rest, view, row, place, plain, timer, other } = formsOf(section);
  const [move, extras] = [variantsOf(section, "move"), variantsOf(section, "extra")];
  expect({ group, rest, view, row, place, move, plain, timer, other, extras }).toEqual({
    group: commitHeader.group,
    rest: commitHeader.rest,
    view: commitHeader.view,
    row: commitHeader.row,
    place: commitHeader.place,
    move: commitHeader.move,
    plain: commitHeader.plain,
    timer: commitHeader.timer,
    other: commitHeader.other,
    extras: commitHeader.extras,
  });
  const answers = wordsOf(sectionOf(commitScript, "REPLY"));
  expect(answers.toSorted()).toEqual(commitHeader.answers.toSorted());
});

test("commit.lua: keys and arguments of a call are built as the header says", () => {
  const call = encode(commits);
  const args = ["call", "token", ...textsOf(call.args)];
  const reader = new CommitCallReader(commitScript, call.keys, args);
  const found = reader.read();
  const inOrder = call.groups.flatMap(({ first, quick, plain, near, others }) =>
    [first, quick, plain, near, others].flat(),
  );
  expect(inOrder.map((place) => commits[place]?.key.id).join("")).toBe("hiafvncdtgkbej");
  const at = (id: string, partition: number) => ({
    tip: space.tip(partition),
    log: space.log(partition),
    ids: partition === 0 ? space.ids(0) : undefined,
    stream: space.stream({ id, partition }),
  });
  const timersOfT = space.timers({ id: "t", partition: 0 });
  const first = { version: "1", commit: "before ", next: "2" };
  expect(found).toEqual([
    {
      form: "quick",
      ...at("h", 0),
      args: { before: " ", next: "1", listed: "h account" },
      records: ['commit-h m0 account\n"h0"'],
      extras: [],
    },
    {
      form: "quick",
      ...at("i", 0),
      args: { before: "proved ", next: "9" },
      records: ['commit-i m0 account\n"i0"'],
      extras: [],
    },
    {
      form: "plain",
      ...at("a", 0),
      args: { before: "before ", next: "2" },
      records: ['commit-a m0 account\n"a0"'],
      extras: [],
    },
    {
      form: "plain",
      ...at("f", 0),
      args: { before: "before ", next: "8" },
      records: ['commit-f m0 account\n"f0"'],
      extras: [],
    },
    {
      form: "plain",
      ...at("v", 0),
      args: { before: "before ", next: "2" },
      records: ['commit-v m0 account\n"v0"'],
      extras: [],
    },
    {
      form: "near",
      ...at("n", 0),
      args: { version: "8", commit: "proved ", next: "9" },
      records: ['commit-n m0 account\n"n0"', 'commit-n m1 account\n"n1"'],
      extras: [],
    },
    {
      form: "other",
      ...at("c", 0),
      args: { ...first, self: "commit-c " },
      records: [],
      extras: [
        {
          kind: "receipt",
          key: space.receipt({ id: "c", partition: 0 }, looking),
          args: { value: "", ttl: "0" },
        },
        {
          kind: "seen",
          key: space.receipt({ id: "c", partition: 0 }, fromAfar),
          args: { until: "77" },
        },
        {
          kind: "message",
          key: space.receipt({ id: "c", partition: 0 }, again),
          args: { value: "w", ttl: "8", until: "78" },
        },
      ],
    },
    {
      form: "other",
      ...at("d", 0),
      args: { ...first, self: "commit-d " },
      records: ['commit-d m0 account\n"d0"', 'commit-d m1 account\n"d1"'],
      extras: [
        {
          kind: "receipt",
          key: space.receipt({ id: "d", partition: 0 }, writing),
          args: { value: "v", ttl: "6" },
        },
        {
          kind: "snapshot",
          key: space.snapshot({ id: "d", partition: 0 }),
          args: { version: "2", schema: "3", state: '"s"' },
        },
      ],
    },
    {
      form: "other",
      ...at("t", 0),
      args: { ...first, self: "commit-t " },
      records: ['commit-t m0 account\n"t0"'],
      extras: [
        { kind: "due", key: space.due(0), args: { id: "t" } },
        { kind: "fire", key: timersOfT, args: { name: "x y", mark: "g-1 99 ", missed: "3" } },
        { kind: "cancel", key: timersOfT, args: { name: "x y" } },
        {
          kind: "set",
          key: timersOfT,
          args: { name: "z", due: "1000", text: '1 g-2 1000 50 0 account\n{"type":"due"}' },
        },
      ],
    },
    {
      form: "other",
      ...at("g", 0),
      args: { ...first, self: "commit-g " },
      records: ['commit-g m0 account\n"g0"'],
      extras: [
        { kind: "destroy", key: space.snapshot({ id: "g", partition: 0 }), args: {} },
        { kind: "unlist", key: space.ids(0), args: { from: "[g ", to: "(g!" } },
        { kind: "due", key: space.due(0), args: { id: "g" } },
        { kind: "clear", key: space.timers({ id: "g", partition: 0 }), args: {} },
      ],
    },
    {
      form: "other",
      ...at("k", 0),
      args: { version: "0", commit: "", next: "1", self: "commit-k " },
      records: ['commit-k m0 account\n"k0"'],
      extras: [
        {
          kind: "receipt",
          key: space.receipt({ id: "k", partition: 0 }, looking),
          args: { value: "", ttl: "0" },
        },
        { kind: "list", key: space.ids(0), args: { entity: "k account" } },
      ],
    },
    {
      form: "other",
      ...at("b", 2),
      args: first,
      records: ["0", "1", "2"].map((i) => `commit-b m${i} account\n"b${i}"`),
      extras: [],
    },
    { form: "other", ...at("e", 2), args: first, records: [], extras: [] },
    {
      form: "other",
      ...at("j", 3),
      tip: undefined,
      log: undefined,
      args: first,
      records: [],
      extras: [],
    },
  ]);
});

test("commit.lua: one timer that is set or cancelled is a mark of a plain commit, with numbers or without", () => {
  const text = '{"type":"due"}';
  const set = { name: "x y", set: { generation: "g-1", dueAt: 99, everyMs: null, message: text } };
  const cancel = { name: "z", set: null };
  const marked = [
    commit("a", 1, { timers: [set] }),
    commit("b", 1),
    commit("c", 1, { timers: [cancel], expected: { version: 0, commitId: "" } }),
  ];
  const timerOf = (id: string, mark: string, args: unknown) => [
    id,
    { mark, due: space.due(0), key: space.timers({ id, partition: 0 }), args },
  ];
  const isSet = timerOf("a", "s", { member: "a x y", due: "99", text: `1 g-1 99 0 0 account\n${text}` });
  const isCancelled = timerOf("c", "c", { member: "c z" });
  expect(timersIn(marked)).toEqual([isCancelled, isSet, ["b", undefined]]);
  const proved = { version: 8, commitId: "proved", proof: 1 };
  const quick = marked.slice(0, 2).map((one) => ({ ...one, expected: proved }));
  expect(timersIn(quick)).toEqual([isSet, ["b", undefined]]);
  expect(encode(quick).args[5]).toBe("s-");
  expect(timersIn(marked.slice(1, 2))).toEqual([["b", undefined]]);
  // More than that are extras.
  const more: readonly Partial<Commit>[] = [
    { timers: [set, cancel] },
    { timers: [set], firings: [{ name: "x y", generation: "g", dueAt: 9, missed: 0 }] },
    { timers: [set], destroy: true },
  ];
  for (const parts of more) expect(timersIn([commit("a", 1, parts)])).toEqual([["a", undefined]]);
  expect(timersIn([commit("a", 2, { timers: [set] })])).toEqual([["a", undefined]]);
});

function timersIn(all: readonly Commit[]) {
  const call = encode(all);
  const found = new CommitCallReader(commitScript, call.keys, [
    "call",
    "token",
    ...textsOf(call.args),
  ]).read();
  return found.map(({ stream, timer }) => [stream.slice(-1), timer]);
}

test("commit.lua: the rows of a group, view by view, those that change first", () => {
  const all = { table: "account:all", schema: "2.name.size" };
  const change = { ...all, mode: "changed", row: '{"n":1}', values: ["té", null] } as const;
  const numbers = { table: "account:sizes", schema: "1.size", row: "{}" } as const;
  const bare = { table: "account:bare", schema: "1", row: "{}", values: [] } as const;
  const call = encode([
    commit("a", 1, { rows: [{ ...change, mode: "same" }] }),
    commit("b", 1),
    commit("c", 1, {
      rows: [
        { ...change, before: ["té", "n9"] },
        { ...bare, mode: "changed" },
      ],
    }),
    commit("d", 1, { rows: [{ ...bare, mode: "changed" }] }),
    commit("e", 1, { rows: [{ ...change, values: ["tb", "n7"], before: ["b1", "n8"] }] }),
    commit("f", 1, { rows: [{ ...numbers, mode: "changed", values: ["n1.5"], before: ["n1"] }] }),
    commit("g", 1, { rows: [{ ...numbers, mode: "changed", values: ["n-2"] }] }),
  ]);
  const reader = new CommitCallReader(commitScript, call.keys, ["call", "token", ...textsOf(call.args)]);
  reader.read();
  expect(reader.views).toEqual([
    {
      schemas: space.viewTables(0),
      rowsKey: space.viewRows(0, all.table, all.schema),
      indexKeys: ["name", "size"].map((field) => space.viewIndex(0, all.table, all.schema, field)),
      args: { ...all, indexes: "2", changed: "2", rows: "3", quick: "1", whose: "3 c\n5 c\n1 s\n" },
      rows: [
        { id: "c", text: '1 3 -\nté{"n":1}' },
        { id: "e", text: '1 2 2\ntbn7{"n":1}' },
        { id: "a", text: '1 3 -\nté{"n":1}' },
      ],
      moves: [
        {
          new: "1",
          out: ["b1\0e"],
          in: [
            { score: "+inf", member: "té\0c" },
            { score: "+inf", member: "tb\0e" },
          ],
        },
        { new: "0", out: ["c"], in: [{ score: "7", member: "e" }] },
      ],
    },
    {
      schemas: space.viewTables(0),
      rowsKey: space.viewRows(0, bare.table, bare.schema),
      indexKeys: [],
      args: {
        table: bare.table,
        schema: "1",
        indexes: "0",
        changed: "2",
        rows: "2",
        quick: "1",
        whose: "3 c\n4 c\n",
      },
      rows: [
        { id: "c", text: "1\n{}" },
        { id: "d", text: "1\n{}" },
      ],
      moves: [],
    },
    {
      schemas: space.viewTables(0),
      rowsKey: space.viewRows(0, numbers.table, numbers.schema),
      indexKeys: [space.viewIndex(0, numbers.table, numbers.schema, "size")],
      args: {
        table: numbers.table,
        schema: "1.size",
        indexes: "1",
        changed: "2",
        rows: "2",
        quick: "1",
        whose: "6 c\n7 c\n",
      },
      rows: [
        { id: "f", text: "1 4\nn1.5{}" },
        { id: "g", text: "1 3\nn-2{}" },
      ],
      moves: [{ numbers: ["1.5", "-2"] }],
    },
  ]);
  // What is known to be no number goes as a member.
  const grown = { ...numbers, mode: "changed", values: ["n1"], before: ["tx"] } as const;
  expect(viewsOf([commit("x", 1, { rows: [grown] })])[0]?.moves).toEqual([
    { new: "1", out: ["tx\0x"], in: [{ score: "1", member: "x" }] },
  ]);
  // Where it is not known what any of them was, or none can be told to be there, the script looks.
  for (const step of [
    change,
    { ...change, before: [null, "n1"] },
    { ...change, row: null, values: [null, null], before: ["a", "n1"] },
    { ...change, mode: "repair", before: ["a", "n1"] },
  ] as const) {
    const [view] = viewsOf([commit("x", 1, { rows: [step] })]);
    expect(view?.args["quick"], JSON.stringify(step)).toBe("0");
  }
});

function viewsOf(all: readonly Commit[]) {
  const call = encode(all);
  const reader = new CommitCallReader(commitScript, call.keys, ["call", "token", ...textsOf(call.args)]);
  reader.read();
  return reader.views;
}

test("commit.lua: all keys of a partition's commits, of every kind, are in one slot", () => {
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const here = commits.map((one) => ({ ...one, key: { ...one.key, partition } }));
    const { keys } = encode(here);
    expect(keys.length).toBe(2 + commits.length + 21);
    expect(new Set(keys.map((key) => calculateSlot(key))).size, keys.join(" ")).toBe(1);
    const withoutLog = keys.filter((key) => key !== space.log(partition));
    expect(encode(here, false).keys).toEqual(withoutLog);
  }
});

const answers: Record<
  (typeof commitHeader.answers)[number],
  readonly [answer: unknown, result: CommitResult]
> = {
  committed: ["committed", { kind: "committed", at: 9, already: false, proof: 5 }],
  already: [["already"], { kind: "committed", at: 9, already: true }],
  duplicate: [
    ["duplicate", 1, "1 commit-x some value"],
    { kind: "duplicate", found: [{ step: 1, value: "some value" }] },
  ],
  gone: [["gone", 0, 2], { kind: "gone", firings: [0, 2] }],
  late: [["late", 0, 2], { kind: "late", steps: [0, 2] }],
  conflict: [["conflict", []], { kind: "conflict", missed: [] }],
  diverged: [["diverged"], { kind: "diverged" }],
  reload: [["reload"], { kind: "reload" }],
  refused: [["refused", "why"], { kind: "refused", reason: "why" }],
  again: [["again"], { kind: "unavailable", reason: "somebody else has written to the partition" }],
  torn: [["torn", "why"], { kind: "unknown", reason: "the commit script answered torn: why" }],
};

test("commit.lua: it gives the answers that the header names, and the binding reads each", () => {
  const code = commitScript.text.replace(/--.*$/gm, "");
  const given = [...code.matchAll(/\{ '([a-z]+)'|or '(committed)'/g)].map(
    ([, first, second]) => first ?? second,
  );
  expect([...new Set(given)].toSorted()).toEqual(Object.keys(answers).toSorted());
  const all = Object.values(answers);
  const groupOf = (partition: number, quick: number[], plain: number[], others: number[]): Group => {
    const tip = { token: "", epoch: 1, since: 0 };
    const flags = { writes: true, appends: true, sure: false, leaves: false, rows: false, timers: false };
    return { partition, tip, ...flags, first: [], quick, plain, near: [], others };
  };
  const texts = all.map(([answer]) => answer);
  const places = texts.map((_, i) => i);
  const one = { groups: [groupOf(0, places.slice(0, 2), places.slice(2, 5), places.slice(5))] };
  expect(decodeCommits(["9", "", ...texts], one, () => 5)).toEqual({
    now: 9,
    results: all.map(([, result]) => result),
    again: [Object.keys(answers).indexOf("again")],
  });
  // Of two groups, the second of which met a stranger: 0 and 3 are in the one, 1 and 2 in the other.
  const two = { groups: [groupOf(0, [3], [0], []), groupOf(1, [], [2], [1])] };
  const moved = (group: number, isStranger: boolean): number => 10 * group + (isStranger ? 1 : 0);
  const { results } = decodeCommits(["9", "2 ", "committed"], two, moved);
  const proofs = results.map((result) => (result.kind === "committed" ? result.proof : undefined));
  expect(proofs).toEqual([0, 11, 11, 0]);
});

test("receipts are not looked for where the tip says that nobody can have written one since", () => {
  const tips = new Tips();
  const arrived = [commit("x", 1, { receipts: [sentLately] }), commit("y", 2, { receipts: [sentLately] })];
  const looksFor = (trusting = true, all: readonly Commit[] = arrived) => {
    const { groups, keys } = encode(all, false, tips, trusting);
    return { sure: groups[0]?.sure, receipts: keys.filter((key) => key.includes(":m:")).length };
  };
  const not = { sure: true, receipts: 0 };
  const both = { sure: false, receipts: 2 };
  expect(looksFor()).toEqual(both); // nothing is known of the tip
  const move = (token: string, at: number, { isStranger = false, leaves = false }) =>
    tips.hear(tips.send(0, token, leaves), { at, isStranger, inDoubt: false });
  move("mine.1", 50, { isStranger: true });
  expect(looksFor()).toEqual(not);
  expect(looksFor(false)).toEqual(both);
  expect(looksFor(true, [commit("z", 1, { receipts: [sentLately, fromAfar] })])).toEqual(both);
  expect(looksFor(true, [...arrived, commit("z", 0, { receipts: [again] })])).toEqual({
    sure: true,
    receipts: 1,
  });
  expect(looksFor(true, [commit("z", 1, { receipts: [{ ...sentLately, kind: "k" }] })])).toEqual({
    sure: false,
    receipts: 0, // of messages, that is
  });
  move("mine.2", 60, {});
  expect(looksFor()).toEqual(not);
  move("mine.3", 51, { leaves: true }); // this client itself has written receipts
  expect(looksFor()).toEqual(both);
  move("mine.4", 52, { isStranger: true }); // others may have; but since then nobody has
  expect(tips.of(0)).toMatchObject({ token: "mine.4!", since: 52 });
  const leaving = tips.send(0, "mine.5", true); // it may have left some, without an answer yet
  expect(tips.of(0)).toMatchObject({ token: "mine.5", since: Number.POSITIVE_INFINITY });
  tips.hear(leaving, { at: 53, isStranger: false, inDoubt: false });
  expect(tips.of(0)).toMatchObject({ token: "mine.5", since: 53 });
});

test("who leaves receipts moves the tip, and who only looks for some does not", () => {
  const of = (...receipts: ReceiptStep[]) => encode([commit("x", 0, { receipts })]).groups[0];
  expect(of(looking, fromAfar)).toMatchObject({ writes: false, leaves: false });
  expect(of(looking, again)).toMatchObject({ writes: true, leaves: true, appends: false });
  expect(of({ ...writing, kind: "k" })).toMatchObject({ writes: true, leaves: false });
});

test("commit-one.lua: keys and arguments of a call are built as the header says", () => {
  const keyNames = sectionOf(commitOneScript, "KEYS")
    .replace(/ \(.*?\)/g, "")
    .split(", ");
  const argNames = sectionOf(commitOneScript, "ARGV").split(", ");
  expect({ keys: keyNames, args: argNames }).toEqual(commitOneHeader);
  const tips = new Tips();
  const one = (parts: Partial<Commit>, withLog = true, more: readonly Commit[] = []) => {
    const all = [
      commit("x", 1, { expected: { version: 8, commitId: "proved", proof: 2 }, ...parts }),
      ...more,
    ];
    return encodeOne(space, withLog, "call", all, encode(all, withLog, tips));
  };
  expect(one({})).toBeNull(); // its proof is of no epoch
  tips.hear(tips.send(0, "mine.1", false), { isStranger: true, at: 40, inDoubt: false });
  tips.hear(tips.send(0, "mine.2", false), { isStranger: true, at: 41, inDoubt: false });
  const key = { id: "x", partition: 0 };
  expect(one({})).toEqual({
    keys: [space.tip(0), space.stream(key), space.log(0)],
    args: ["mine.2!", "9", 'commit-x m0 account\n"x0"', "1 call\nx account 9 1"],
  });
  expect(one({}, false)).toMatchObject({ keys: [space.tip(0), space.stream(key)] });
  expect(one({ receipts: [sentLately] })?.args).toEqual(one({})?.args);
  expect(one({ receipts: [looking] })).toBeNull();
  expect(one({ expected: { version: 0, commitId: "" } })).toBeNull();
  expect(one({}, true, [commit("y", 1)])).toBeNull();
});

test("load.lua: the header names what the binding names (the laws on Redis hold the order)", () => {
  const { request: keys } = formsOf(sectionOf(loadScript, "KEYS"));
  const { "": once = [], request: each = [] } = formsOf(sectionOf(loadScript, "ARGV"));
  expect({ keys, args: [...once, ...each] }).toEqual(loadHeader);
  expect(wordsOf(sectionOf(loadScript, "REPLY"))).toEqual(["empty", "unreadable"]);
});

test("find.lua: the header names what the binding names (the laws on Redis hold the order)", () => {
  const { "": keys } = formsOf(sectionOf(findScript, "KEYS"));
  const { "": args } = formsOf(sectionOf(findScript, "ARGV"));
  expect({ keys, args }).toEqual(findHeader);
  expect(wordsOf(sectionOf(findScript, "REPLY"))).toEqual(["unreadable"]);
});

test("due.lua: the header names what the binding names (the laws on Redis hold the order)", () => {
  const { partition: keys } = formsOf(sectionOf(dueScript, "KEYS"));
  const { "": args } = formsOf(sectionOf(dueScript, "ARGV"));
  expect({ keys, args }).toEqual(dueHeader);
});

test("set-aside.lua: the header names what the binding names, and the script gives these answers", () => {
  const { "": keys } = formsOf(sectionOf(setAsideScript, "KEYS"));
  const { "": args } = formsOf(sectionOf(setAsideScript, "ARGV"));
  const answers = wordsOf(sectionOf(setAsideScript, "REPLY"));
  expect({ keys, args, answers }).toEqual(setAsideHeader);
  const given = [...setAsideScript.text.matchAll(/return '([a-z]+)'/g)].map(([, word]) => word);
  expect([...new Set(given)].toSorted()).toEqual(setAsideHeader.answers);
});

test("view-read.lua, view-change.lua: the headers name what the bindings name (the laws on Redis hold the order)", () => {
  const { request: keys } = formsOf(sectionOf(viewReadScript, "KEYS"));
  const { "": args, place } = formsOf(sectionOf(viewReadScript, "ARGV"));
  const answers = wordsOf(sectionOf(viewReadScript, "REPLY"));
  expect({ keys, args, place, answers }).toEqual(viewReadHeader);
  const { "": changeKeys } = formsOf(sectionOf(viewChangeScript, "KEYS"));
  const section = sectionOf(viewChangeScript, "ARGV");
  const { "": changeArgs } = formsOf(section.split("\n")[0] ?? "");
  expect({ keys: changeKeys, args: changeArgs, changes: wordsOf(section) }).toEqual(viewChangeHeader);
});

test("trim.lua: the header names what the binding names (the laws on Redis hold the order)", () => {
  const { "": keys } = formsOf(sectionOf(trimScript, "KEYS"));
  const { "": args } = formsOf(sectionOf(trimScript, "ARGV"));
  expect({ keys, args }).toEqual(trimHeader);
  expect(wordsOf(sectionOf(trimScript, "REPLY"))).toEqual(["trimmed", "unreadable", "done", "more", "young"]);
});

test("members.lua: the header names what the binding names, and the script takes these steps (the laws hold the order)", () => {
  const { "": keys } = formsOf(sectionOf(membersScript, "KEYS"));
  const section = sectionOf(membersScript, "ARGV");
  const { "": args } = formsOf(section.split("\n")[0] ?? "");
  expect({ keys, args, steps: wordsOf(section).toSorted() }).toEqual(membersHeader);
  const code = membersScript.text.replace(/--.*$/gm, "");
  const taken = [...code.matchAll(/step == '([a-z]+)'/g)].map(([, step]) => step);
  expect([...taken, "look"]).toEqual(membersHeader.steps);
});

test("records are written by the two commit scripts alone: whatever writes them must move the tip", () => {
  const folder = join(import.meta.dirname, "../../src/redis");
  const writers = globSync("**/*.lua", { cwd: folder }).filter((name) =>
    /'XADD'|'XSETID'|'XDEL'/i.test(readFileSync(join(folder, name), "utf8")),
  );
  expect(writers.toSorted()).toEqual(["commit-one.lua", "commit.lua"]);
});

test("log-read.lua, log-records.lua, log-ends.lua: the headers name what the bindings name (the laws hold the order)", () => {
  const read = formsOf(sectionOf(logReadScript, "KEYS"));
  expect({ keys: read["request"], args: formsOf(sectionOf(logReadScript, "ARGV"))["request"] }).toEqual(
    logReadHeader,
  );
  expect(wordsOf(sectionOf(logReadScript, "REPLY"))).toEqual(["page", "diverged", "unreadable"]);
  const { range: keys } = formsOf(sectionOf(logRecordsScript, "KEYS"));
  const { "": once = [], range: each = [] } = formsOf(sectionOf(logRecordsScript, "ARGV"));
  expect({ keys, args: [...once, ...each] }).toEqual(logRecordsHeader);
  expect(formsOf(sectionOf(logEndsScript, "KEYS"))["request"]).toEqual(logEndsHeader.keys);
});

test("cursor-load.lua, cursor-move.lua: the headers name what the bindings name (the laws hold the order)", () => {
  expect(formsOf(sectionOf(cursorLoadScript, "KEYS"))["request"]).toEqual(cursorLoadHeader.keys);
  const { move: keys } = formsOf(sectionOf(cursorMoveScript, "KEYS"));
  const { move: args } = formsOf(sectionOf(cursorMoveScript, "ARGV").split("\n")[0] ?? "");
  expect({ keys, args }).toEqual(cursorMoveHeader);
  expect(wordsOf(sectionOf(cursorMoveScript, "REPLY"))).toEqual([
    "moved",
    "refused",
    "diverged",
    "unreadable",
  ]);
});

test("cursor-change.lua, log-trim.lua: the headers name what the bindings name (the laws hold the order)", () => {
  const { "": keys } = formsOf(sectionOf(cursorChangeScript, "KEYS"));
  const section = sectionOf(cursorChangeScript, "ARGV");
  const { "": args } = formsOf(section.split("\n")[0] ?? "");
  const changes = wordsOf(section.split("\n")[1] ?? "");
  expect({ keys, args, changes }).toEqual(cursorChangeHeader);
  const code = cursorChangeScript.text.replace(/--.*$/gm, "");
  const taken = [...code.matchAll(/change == '([a-z]+)'/g)].map(([, change]) => change);
  expect(taken.toSorted()).toEqual([...cursorChangeHeader.changes].toSorted());
  const { "": trimKeys } = formsOf(sectionOf(logTrimScript, "KEYS"));
  const { "": trimArgs } = formsOf(sectionOf(logTrimScript, "ARGV"));
  expect({ keys: trimKeys, args: trimArgs }).toEqual(logTrimHeader);
});
