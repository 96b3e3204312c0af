// The typed side of view-read.lua and view-change.lua.

import { fieldsOf } from "../core/view.ts";
import { isIn, memberOf, placeOfMember } from "../core/view-order.ts";
import type { EntityKey } from "../ports/event-store.ts";
import {
  type CountedRows,
  type CountRows,
  FEW_BEHIND,
  type FindRows,
  type FoundRow,
  type FoundRows,
  type GotRow,
  type IndexSpan,
  type NotReady,
  type Schemas,
  type StandingSchema,
  type ViewKey,
} from "../ports/views.ts";
import type { KeySpace } from "./keys.ts";
import { parseRow, valuesOf } from "./row-format.ts";
import { type Client, Script } from "./script.ts";

export const viewReadScript = new Script(new URL("./view-read.lua", import.meta.url));
export const viewChangeScript = new Script(new URL("./view-change.lua", import.meta.url));

/** The headers; a test holds the two together. */
export const viewReadHeader = {
  keys: ["views", "rows", "behind", "index"],
  args: ["what", "view", "schema", "most"],
  place: ["score", "rest"],
  answers: ["unbuilt", "behind", "row", "rows", "count", "unreadable"],
} as const;
export const viewChangeHeader = {
  keys: ["views", "ids", "key..."],
  args: ["change", "view", "schema"],
  changes: ["begin", "ready", "drop"],
} as const;

type Answer = readonly [kind: string, ...rest: unknown[]];

export class ViewCalls {
  readonly #space: KeySpace;

  constructor(space: KeySpace) {
    this.#space = space;
  }

  async get(client: Client, view: ViewKey, { id, partition }: EntityKey): Promise<GotRow> {
    const [answer] = await this.#read(client, "get", view, [{ partition, field: null, args: [id] }]);
    const [kind, text] = answer ?? [];
    if (kind !== "row") return failed(answer);
    if (text === "") return { kind: "row", row: null };
    const row = parseRow(String(text));
    return row === undefined ? foreign(id) : { kind: "row", row };
  }

  /** All of one direction. */
  async find(client: Client, view: ViewKey, requests: readonly FindRows[]): Promise<readonly FoundRows[]> {
    const what = requests[0]?.descending === true ? "down" : "up";
    const asked = requests.map(({ partition, span: { field, from, to }, limit }) => {
      return { partition, field, args: [...placeArgs(from), ...placeArgs(to), `${limit}`] };
    });
    const most = requests[0]?.mostBehind ?? FEW_BEHIND;
    return (await this.#read(client, what, view, asked, most)).map((answer) => {
      return answer[0] === "rows" ? rowsFrom(answer) : failed(answer);
    });
  }

  async count(
    client: Client,
    view: ViewKey,
    requests: readonly CountRows[],
  ): Promise<readonly CountedRows[]> {
    const asked = requests.map(({ partition, span }) => {
      return {
        partition,
        field: span?.field ?? null,
        args: span === null ? ALL : [...placeArgs(span.from), ...placeArgs(span.to)],
      };
    });
    const most = requests[0]?.mostBehind ?? FEW_BEHIND;
    return (await this.#read(client, "count", view, asked, most)).map((answer, i) => {
      return answer[0] === "count" ? countFrom(answer, view, requests[i]?.span ?? null) : failed(answer);
    });
  }

  async change(
    client: Client,
    change: (typeof viewChangeHeader.changes)[number],
    partition: number,
    { table, schema }: ViewKey,
  ): Promise<Schemas> {
    const space = this.#space;
    const fields = fieldsOf(schema);
    const keys = [
      space.viewTables(partition),
      space.ids(partition),
      space.viewRows(partition, table, schema),
      space.viewBehind(partition, table, schema),
      ...fields.map((field) => space.viewIndex(partition, table, schema, field)),
    ];
    const reply = (await viewChangeScript.run(client, keys, [change, table, schema])) as readonly string[];
    if (reply[0] === "unreadable") return { kind: "unreadable", reason: String(reply[1]) };
    return { kind: "schemas", schemas: schemasFrom(reply) };
  }

  async #read(
    client: Client,
    what: "get" | "up" | "down" | "count",
    { table, schema }: ViewKey,
    requests: readonly {
      readonly partition: number;
      readonly field: string | null;
      readonly args: readonly string[];
    }[],
    most = FEW_BEHIND,
  ): Promise<readonly Answer[]> {
    const keys: string[] = [];
    const args: string[] = [what, table, schema, `${most}`];
    for (const { partition, field, args: own } of requests) {
      const rows = this.#space.viewRows(partition, table, schema);
      const index = field === null ? rows : this.#space.viewIndex(partition, table, schema, field);
      keys.push(
        this.#space.viewTables(partition),
        rows,
        this.#space.viewBehind(partition, table, schema),
        index,
      );
      args.push(...own);
    }
    return (await viewReadScript.run(client, keys, args)) as readonly Answer[];
  }
}

const ALL = ["", "", "", ""] as const;

/**
 * Where a member, or a text beside members, stands in an index: a score, and what of that score it is behind. What begins
 * as no number does stands among booleans, before all numbers, or among texts, behind them.
 */
function placeArgs(text: string): readonly [score: string, rest: string] {
  const { number, rest } = placeOfMember(text);
  // A member's id is behind U+0000; behind anything else are all of this number.
  if (number !== null) return [`${number}`, rest.startsWith("\0") ? rest.slice(1) : BEHIND_ALL];
  if (text <= "b") return ["-inf", ""];
  if (text <= "n") return ["-inf", text.startsWith("b") ? text : BEHIND_ALL];
  if (text <= "t") return ["+inf", ""];
  return ["+inf", text.startsWith("t") ? text : BEHIND_ALL];
}

const BEHIND_ALL = "~";

/** What the script tells of a member: the value as rows have it, U+0000, the id. */
function memberFrom(told: string): string {
  return told.startsWith("n") ? memberOf(told.slice(0, -ID_LENGTH - 1), told.slice(-ID_LENGTH)) : told;
}

const ID_LENGTH = 36;

/** Of a reply that is no success. */
function failed(
  answer: Answer | undefined,
): NotReady | { readonly kind: "unreadable"; readonly reason: string } {
  const [kind, ...rest] = answer ?? ["nothing"];
  if (kind === "unbuilt") return { kind };
  if (kind === "behind") return { kind, ids: rest.map(String) };
  return { kind: "unreadable", reason: String(rest[0] ?? `the views script answered ${kind}`) };
}

function foreign(id: string) {
  return { kind: "unreadable", reason: `the row of ${id} is none of Pachyderm's` } as const;
}

/** So many ids, then member and text in turn. */
function rowsFrom([, more, end, late, ...rest]: Answer): FoundRows {
  const from = Number(late);
  const rows: FoundRow[] = [];
  for (let i = from; i + 1 < rest.length; i += 2) {
    const member = memberFrom(String(rest[i]));
    const row = parseRow(String(rest[i + 1]));
    if (row === undefined) return foreign(member.slice(-ID_LENGTH));
    rows.push({ member, row });
  }
  return {
    kind: "rows",
    rows,
    more: more === "1",
    end: memberFrom(String(end)),
    behind: rest.slice(0, from).map(String),
  };
}

/** Of all that were counted, those that are behind are taken away: id and head in turn. */
function countFrom([, all, ...rest]: Answer, { schema }: ViewKey, span: IndexSpan | null): CountedRows {
  const at = span === null ? -1 : fieldsOf(schema).indexOf(span.field);
  const behind: string[] = [];
  let count = Number(all);
  for (let i = 0; i + 1 < rest.length; i += 2) {
    const id = String(rest[i]);
    const head = String(rest[i + 1]);
    behind.push(id);
    const value = span === null ? null : (valuesOf(head)[at] ?? null);
    const wasCounted = span === null ? head !== "" : value !== null && isIn(span, memberOf(value, id));
    if (wasCounted) count -= 1;
  }
  return { kind: "count", count, behind };
}

/** View and schemas in turn. */
export function schemasFrom(reply: readonly string[]): readonly StandingSchema[] {
  const schemas: StandingSchema[] = [];
  for (let i = 0; i + 1 < reply.length; i += 2) {
    for (const one of (reply[i + 1] ?? "").split(" ")) {
      const [schema = "", state] = one.split("=");
      schemas.push({ table: reply[i] ?? "", schema, ready: state === "r" });
    }
  }
  return schemas;
}
